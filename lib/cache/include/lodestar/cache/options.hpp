// What a cache is told at the beginning, and what it tells about itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/base/scheduler.hpp>

namespace lodestar::cache {

inline constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();
/// The duration that does not pass.
inline constexpr nanoseconds never = nanoseconds::max();

/// Why an entry left the cache.
enum class removal_cause : std::uint8_t {
  explicit_,  ///< remove(), remove_if(), clear(), or a compute() that returned nothing.
  replaced,   ///< Another value took its place, or was refused as too heavy in doing so.
  size,       ///< Evicted to keep the bound.
  expired,    ///< Its time had passed.
  collected,  ///< What the value refers to is gone (collection).
};

/// When a value has lost what it is about, so that its entry counts as absent: a std::weak_ptr
/// whose object is gone. Specialise it for your own kinds of reference; what it has said once it
/// must say for ever. It may be called under a lock of the cache: short, and without calling a
/// cache.
template <class Value>
struct collection {
  static constexpr bool is_possible = false;
  [[nodiscard]] static constexpr bool is_collected(const Value&) noexcept { return false; }
};
template <class Object>
struct collection<std::weak_ptr<Object>> {
  static constexpr bool is_possible = true;
  [[nodiscard]] static bool is_collected(const std::weak_ptr<Object>& value) noexcept {
    return value.expired();
  }
};

/// What a call that writes did.
enum class outcome : std::uint8_t {
  inserted,   ///< The key was absent and has the value now.
  replaced,   ///< The key was present and has the new value now.
  removed,    ///< compute() returned nothing for a present key.
  present,    ///< insert_if_absent() found the key and changed nothing.
  absent,     ///< replace() or compute() found no key and changed nothing.
  different,  ///< replace_if_equal() found another value and changed nothing.
  too_heavy,  ///< Refused: the value weighs more than weight_max. An older value of the key was
              ///< removed.
};

/// For how long an entry may be served, counted from the call; `never` for ever. Each function that
/// is missing leaves the time as it is (at creation: time_to_live). What is negative counts as 0:
/// the entry is expired at once.
template <class Key, class Value>
struct expiry {
  std::function<nanoseconds(const Key&, const Value&)> after_create = nullptr;
  /// `left`: what the old value had left.
  std::function<nanoseconds(const Key&, const Value&, nanoseconds left)> after_update = nullptr;
  std::function<nanoseconds(const Key&, const Value&, nanoseconds left)> after_read = nullptr;
};

template <class Key, class Value>
struct options {
  /// Exactly one of the two bounds must be set.
  std::size_t entries_max = unbounded;
  std::size_t weight_max = unbounded;
  /// Required with weight_max. The weight is taken once, when the value is stored.
  std::function<std::size_t(const Key&, const Value&)> weigher = nullptr;
  /// Hears of every entry that has left.
  std::function<void(const Key&, const Value&, removal_cause)> listener = nullptr;

  /// How long after its last write an entry may be served.
  nanoseconds time_to_live = never;
  /// How long after its last use or write an entry may be served.
  nanoseconds time_to_idle = never;
  /// Entry by entry instead.
  expiry<Key, Value> expires = {};

  /// Where the cache waits for what expires next: it is removed then, within 20 ms, on `background`
  /// or on the timer's own thread, though nobody calls the cache. Must outlive the cache, and go by
  /// `time`. Without it, what has expired is removed by later calls.
  scheduler* timer = nullptr;

  // For get_or_load() and its like.
  /// How long after its last write an entry is loaded anew when it is asked for, in the background,
  /// while the old value is served. Needs `background`.
  nanoseconds refresh_after = never;
  /// Where refreshing runs, and what is invalid or has expired is removed. Must outlive the cache.
  executor* background = nullptr;
  /// For how long a loader's error answers for it; 0: the next to ask loads again. What a loader
  /// throws is never kept.
  nanoseconds failure_time_to_live = nanoseconds::zero();
  /// How many errors are kept at most.
  std::size_t failures_max = 1'000;

  /// Whether hits, misses, insertions, loads and their times are counted.
  bool statistics = false;

  /// Removed keys and values are destroyed by maintain() and by the destructor alone: for somebody
  /// who calls the cache under a lock of his own, and maintain() without it.
  bool destroys_in_maintain = false;

  /// Must outlive the cache.
  clock* time = &system_clock();
  /// Read once, for the seed of the hashes.
  random_source* random = &system_random();
};

struct statistics {
  std::uint64_t hits = 0, misses = 0, insertions = 0, evictions = 0, expirations = 0,
                collections = 0, refusals = 0;
  std::uint64_t loads = 0, load_failures = 0;
  nanoseconds load_time = nanoseconds::zero();  ///< Of all loads that block or refresh.
  std::size_t entries = 0, weight = 0;
};

}  // namespace lodestar::cache
