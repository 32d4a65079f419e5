// What happens at the memory of a cache and at each tier, one event after the other: the port for
// metrics. prometheus_events (prometheus_events.hpp) counts and times them.
//
// Thread-safety: called from any thread, on the path of whoever reads or writes: short, without
// blocking. Texts are good during the call. The marks of removed tags and of clear() are written
// under the cache names "@tags" and "@cleared".
#pragma once

#include <cstddef>
#include <string_view>

#include <lodestar/base/clock.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr {

/// A look into memory, or one that the store of a tier has answered. Not what the breaker refused
/// or a write that waits has answered (tier_statistics counts the first), nor the reading of marks.
struct read_event {
  std::string_view tier;  ///< "memory", or the name of the store.
  std::string_view cache;
  std::string_view key = {};
  bool hit = false;
  freshness state = freshness::fresh;  ///< Of a hit; expired: a miss that fail-safe may serve.
  bool failed = false;  ///< The tier gave an error, or something that is no entry; then no hit.
  nanoseconds latency{};
};
struct write_event {
  std::string_view tier;
  std::string_view cache;
  std::string_view key = {};
  bool failed = false;
  nanoseconds latency{};
};
struct remove_event {
  std::string_view tier;
  std::string_view cache;
  std::size_t keys = 0;
  std::string_view first_key = {};
  bool everything = false;  ///< Of a store that was cleared; then no keys.
  bool failed = false;
  nanoseconds latency{};
};

class event_sink {
 public:
  virtual ~event_sink() = default;
  virtual void read(const read_event& event) = 0;
  virtual void written(const write_event& event) = 0;
  virtual void removed(const remove_event& event) = 0;
};

}  // namespace lodestar::swr
