#include "bind_cache.hpp"

#include <array>
#include <cstring>
#include <utility>

namespace lodestar::analytics {
namespace {

void write_part(std::string& out, std::string_view part) {
  std::array<char, sizeof(std::size_t)> size{};
  const std::size_t bytes = part.size();
  std::memcpy(size.data(), &bytes, sizeof(bytes));
  out.append(size.data(), size.size()).append(part);
}

}  // namespace

void bind_cache::write_request(std::string& out, std::string_view name, const parameters& values) {
  out.clear();
  write_part(out, name);
  for (const auto& [key, value] : values) {
    write_part(out, key);
    write_part(out, value);
  }
}

std::shared_ptr<const bound_query::state> bind_cache::find(std::string_view request) {
  generation forgotten;  // Destroyed without the lock.
  const std::lock_guard lock(mutex_);
  if (const auto found = young_.find(request); found != young_.end()) return found->second;
  const auto found = old_.find(request);
  if (found == old_.end()) return nullptr;
  auto node = old_.extract(found);
  auto bound = node.mapped();
  insert(std::move(node.key()), bound, forgotten);
  return bound;
}

void bind_cache::add(std::string_view request, std::shared_ptr<const bound_query::state> bound) {
  if (request.size() > request_bytes_max) return;
  generation forgotten;
  const std::lock_guard lock(mutex_);
  insert(std::string(request), std::move(bound), forgotten);
}

void bind_cache::insert(std::string request, std::shared_ptr<const bound_query::state> bound,
                        generation& forgotten) {
  if (young_.size() >= generation_entries_max) {
    forgotten = std::exchange(old_, std::exchange(young_, {}));
  }
  young_.insert_or_assign(std::move(request), std::move(bound));
}

}  // namespace lodestar::analytics
