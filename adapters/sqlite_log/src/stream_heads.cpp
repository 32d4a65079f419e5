#include "stream_heads.hpp"

#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::sqlite_log {

stream_heads::stream_heads(std::size_t streams_max) : generation_streams_max_(streams_max / 2) {
  LODESTAR_ASSERT(generation_streams_max_ > 0, "a generation must hold a stream");
}

log::version* stream_heads::find(std::string_view aggregate_type, std::string_view aggregate_id) {
  const auto key = key_of(aggregate_type, aggregate_id);
  if (const auto found = young_.find(key); found != young_.end()) return &found->second;
  const auto found = old_.find(key);
  if (found == old_.end()) return nullptr;
  auto moved = old_.extract(found);
  return add_young(std::move(moved.key()), moved.mapped());
}

log::version* stream_heads::add(std::string_view aggregate_type, std::string_view aggregate_id,
                                log::version head) {
  return add_young(std::string(key_of(aggregate_type, aggregate_id)), head);
}

void stream_heads::clear() noexcept {
  young_.clear();
  old_.clear();
}

std::string_view stream_heads::key_of(std::string_view aggregate_type,
                                      std::string_view aggregate_id) {
  // Names hold no NUL (check_batch), so it separates them without ambiguity.
  key_.assign(aggregate_type).append(1, '\0').append(aggregate_id);
  return key_;
}

log::version* stream_heads::add_young(std::string key, log::version head) {
  if (young_.size() >= generation_streams_max_) {
    old_ = std::move(young_);
    young_.clear();
  }
  const auto [place, added] = young_.emplace(std::move(key), head);
  LODESTAR_ASSERT(added, "a stream is added once");
  return &place->second;
}

}  // namespace lodestar::sqlite_log
