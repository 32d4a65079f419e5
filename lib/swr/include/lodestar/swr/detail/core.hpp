// The inside of swr::cache: the entries, and the flights under way.
//
// Invariants
//   1. `flights_` holds at most one flight per key: the one that callers may join. It leaves in the
//   same critical
//      section that stores its result, so whoever finds no flight finds the entry.
//   2. Every write to `entries_` happens under `mutex_`; a read on the hit path takes only the lock
//   inside `entries_`.
//   3. `waiters` of an unfinished flight is not empty, and its front leads: its loader is the one
//   that runs.
//   4. No loader, handler, value or dependency of a caller runs or is destroyed under `mutex_`.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/cache/cache.hpp>
#include <lodestar/swr/detail/entry.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr::detail {

template <class Key, class Value, class Hash, class Equal, class Checks>
class core : public std::enable_shared_from_this<core<Key, Value, Hash, Equal, Checks>> {
 public:
  using done = std::move_only_function<void(result<loaded<Value>>)>;
  using loader = std::move_only_function<void(done)>;
  using handler = std::move_only_function<void(result<answer<Value>>)>;

  core(std::size_t weight_max, const clock& time);
  core(const core&) = delete;
  core& operator=(const core&) = delete;

  [[nodiscard]] std::optional<answer<Value>> get(const Key& key, const lifetimes& allowed,
                                                 const demand& wanted);
  [[nodiscard]] std::optional<answer<Value>> get_before_load(const Key& key,
                                                             const lifetimes& allowed,
                                                             const demand& wanted);
  void get_or_load(const Key& key, const lifetimes& allowed, const demand& wanted, loader load,
                   handler reply);
  void set(const Key& key, loaded<Value> content);
  bool remove(const Key& key);
  void clear();
  [[nodiscard]] statistics stats() const;
  void validate() const;

 private:
  using outcome = result<loaded<Value>>;
  using stored = entry<Value, Checks>;
  using stored_pointer = std::shared_ptr<stored>;

  /// Somebody who waits for a flight. Without a handler it is a background revalidation.
  struct waiter {
    lifetimes allowed;
    demand wanted;
    loader load;
    handler reply;
    bool leads = false;
    bool next_flight = false;  // the flight it joined began before a bypass: too old for it
  };
  struct flight {
    flight(Key name, steady_time now) : key(std::move(name)), begun_at(now) {}
    const Key key;
    const steady_time begun_at;
    std::vector<waiter> waiters;
    std::optional<outcome> early;  // completed inside the loader's call
    std::thread::id loading_on;    // the thread that is inside the loader's call
    bool finished = false;
    bool abandoned = false;   // finished because `done` was destroyed
    bool superseded = false;  // by set(), remove() or clear(): not in flights_, not to be stored
  };
  using flight_pointer = std::shared_ptr<flight>;
  enum class entering : std::uint8_t { joined, began, reentered, changed };

  class section;
  class completion;

  [[nodiscard]] stored_pointer find(const Key& key) { return entries_.get(key).value_or(nullptr); }
  void count_hit(const answer<Value>& served) {
    (served.state == freshness::fresh ? hits_ : stale_hits_).add();
  }

  [[nodiscard]] bool serve(const Key& key, const stored_pointer& found, waiter& asking);
  void revalidate(const Key& key, const stored_pointer& found, waiter asking);
  [[nodiscard]] entering enter(const Key& key, const stored_pointer& found, waiter& asking,
                               flight_pointer& begun);
  [[nodiscard]] flight_pointer begin(const Key& key, std::vector<waiter> waiters);

  void run(flight_pointer next);
  [[nodiscard]] std::optional<outcome> call_loader(const flight_pointer& current);
  [[nodiscard]] static std::optional<error> call_catching(loader load, done completed);
  void finish(const flight_pointer& current, outcome what, bool abandoned);
  [[nodiscard]] flight_pointer deliver(const flight_pointer& current, outcome what);
  [[nodiscard]] flight_pointer conclude(flight& current, std::vector<waiter> left);
  void keep(const flight& current, const stored_pointer& made);
  void answer_waiter(waiter& waiting, const outcome& what, const stored_pointer& made) noexcept;
  static void call_handler(handler reply, result<answer<Value>> what) noexcept {
    reply(std::move(what));
  }
  [[nodiscard]] static bool needs_another(const waiter& waiting, const stored_pointer& made);
  void note_failure(const flight& current);
  void supersede(const Key& key);

  const clock& time_;
  mutable std::mutex mutex_;
  ::lodestar::cache::cache<Key, stored_pointer, Hash, Equal> entries_;
  std::unordered_map<Key, flight_pointer, Hash, Equal> flights_;
  std::vector<stored_pointer> retired_;
  counter hits_, stale_hits_, misses_, loads_, load_errors_, coalesced_;
};

}  // namespace lodestar::swr::detail

#include <lodestar/swr/detail/core-inl.hpp>
