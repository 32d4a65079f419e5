#include "heap.hpp"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace lodestar::interleave::detail {
namespace {

constexpr std::size_t block_bytes = 64UZ * 1024;

/// "node" of "lodestar::(anonymous namespace)::stack<int>::node".
std::string short_name(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> whole(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  if (whole == nullptr) return type.name();
  std::string_view name(whole.get());
  // Up to template arguments of its own, behind the last scope that is not inside of some.
  std::size_t begin = 0, depth = 0, end = name.size();
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] == '<' && depth++ == 0) end = at;
    if (name[at] == '>') --depth;
    if (depth == 0 && name[at] == ':') {
      begin = at + 1;
      end = name.size();
    }
  }
  return std::string(name.substr(begin, end - begin));
}

}  // namespace

void heap::reset() {
  block_ = 0;
  used_ = 0;
  allocations_.clear();
}

void* heap::allocate(std::size_t bytes, std::size_t alignment, const std::type_info& type) {
  auto* begin = take(bytes, alignment);
  allocations_.push_back({.begin = begin, .bytes = bytes, .type = &type});
  return begin;
}

allocation* heap::find(const void* address) {
  const auto found = std::ranges::find(allocations_, address, &allocation::begin);
  return found == allocations_.end() ? nullptr : &*found;
}

std::string heap::describe(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  const auto found = std::ranges::find_if(allocations_, [&](const allocation& each) {
    return at >= each.begin && at < each.begin + each.bytes;
  });
  if (found == allocations_.end()) return {};
  const auto number = std::count_if(allocations_.begin(), found + 1, [&](const allocation& each) {
    return *each.type == *found->type;
  });
  const auto name = fmt::format("{}#{}", short_name(*found->type), number);
  return at == found->begin ? name : fmt::format("{}+{}", name, at - found->begin);
}

std::string heap::describe_member(const void* address) const {
  const bool at_begin =
      std::ranges::find(allocations_, address, &allocation::begin) != allocations_.end();
  return describe(address) + (at_begin ? "+0" : "");
}

std::byte* heap::take(std::size_t bytes, std::size_t alignment) {
  while (true) {
    if (block_ == blocks_.size()) {
      const auto size = std::max(block_bytes, bytes + alignment);
      blocks_.push_back({.memory = std::make_unique<std::byte[]>(size), .bytes = size});
    }
    auto& from = blocks_[block_];
    void* at = from.memory.get() + used_;
    std::size_t room = from.bytes - used_;
    if (std::align(alignment, bytes, at, room) != nullptr) {
      used_ = from.bytes - room + bytes;
      return static_cast<std::byte*>(at);
    }
    ++block_;
    used_ = 0;
  }
}

}  // namespace lodestar::interleave::detail
