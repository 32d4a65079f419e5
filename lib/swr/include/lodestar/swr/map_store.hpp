// A store in a hash table of this process, for small caches and for tests. One lock for all of it;
// memory_store (memory_store.hpp) is for everything else.
//
//   map_store store({.entries_max = 1'000}, system_clock());
//
// Above entries_max the least recently used entries go. What has expired goes when it is asked for,
// when it is the least recently used, and by maintain().
//
// Thread-safety: all members from any thread. Handlers run inside the call.
#pragma once

#include <cstddef>
#include <limits>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::swr {

struct map_store_options {
  std::size_t entries_max = std::numeric_limits<std::size_t>::max();
  /// How many of the calls of set() look whether there are too many, between 0 and 1: with less
  /// than 1 there may be more than entries_max for a while.
  double eviction_probability = 1;
};

class map_store final : public store {
 public:
  /// The clock and the randomness must outlive the store.
  map_store(map_store_options options, const clock& time, random_source& random = system_random());

  [[nodiscard]] std::string_view name() const noexcept override { return "map"; }
  void get(std::string_view key, steady_time deadline, got done) override;
  void set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time deadline,
           ended done) override;
  void remove(std::span<const std::string_view> keys, steady_time deadline, ended done) override;
  void clear(steady_time deadline, ended done) override;

  /// Removes what has expired: looks at every entry.
  void maintain();
  [[nodiscard]] std::size_t size() const;

 private:
  struct entry {
    std::string key;
    shared_bytes bytes;
    steady_time expires;
  };
  using entries = std::list<entry>;  // the most recently used one first

  [[nodiscard]] std::optional<shared_bytes> find(std::string_view key);
  void put(std::string_view key, shared_bytes&& bytes, steady_time expires, entries& gone);
  void evict(entries& gone);
  void take_out(entries::iterator which, entries& gone);

  const map_store_options options_;
  const clock& time_;
  random_source& random_;
  mutable std::mutex mutex_;
  entries entries_;
  // The views are of the keys in the list.
  std::unordered_map<std::string_view, entries::iterator> places_;
};

}  // namespace lodestar::swr
