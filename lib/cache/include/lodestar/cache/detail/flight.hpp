// One load of one key, and everybody who waits for it.
//
// The first to ask leads: his loader runs, nobody's lock held. Others wait, blocked or with a
// function to call. What the loader brings, a value, an error or an exception, goes to all of them.
// A loader that gives up without an answer is followed by that of the next in line.
//
// A write or an invalidation of the key supersedes the flight: it still answers those who wait, but
// what it brings is not stored, and the next to ask begins a new one.
//
// Thread-safety: all members from any thread. Lifetimes: shared by the cache, its loaders and those
// who wait; may outlive the cache.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/atomics.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/measured_memory.hpp>
#include <lodestar/cache/detail/wait_circle.hpp>
#include <lodestar/cache/loaded.hpp>

namespace lodestar::cache::detail {

/// Of nobody.
inline constexpr std::uint64_t no_ticket = 0;

/// Over: what a refresh replaces.
template <class Key, class Value, class Over, class Atomics = std_atomics>
class flight final : public awaited,
                     public std::enable_shared_from_this<flight<Key, Value, Over, Atomics>> {
 public:
  using landed = std::shared_ptr<const loaded<Value>>;

  /// Somebody who does not block.
  struct waiter {
    std::uint64_t ticket = 0;
    /// Called, without a lock, when the one who led gave up: leads from there on.
    std::move_only_function<void(flight&)> lead;
    /// Called, without a lock, with what came of it.
    std::move_only_function<void(const landed&)> done;
  };

  flight(const Key& key_loaded, std::uint64_t hash_of_key, std::optional<Over> replaced)
      : key(key_loaded), hash(hash_of_key), over(std::move(replaced)) {}

  const Key key;
  const std::uint64_t hash;
  const std::optional<Over> over;

  void supersede() noexcept { superseded_.store(true, std::memory_order_release); }
  [[nodiscard]] bool superseded() const noexcept {
    return superseded_.load(std::memory_order_acquire);
  }

  /// Says that this thread runs the loader, until it says that it does not.
  void set_loading(bool here);
  [[nodiscard]] std::thread::id loading_on() const override;
  [[nodiscard]] bool loads_on_this_thread() const {
    return loading_on() == std::this_thread::get_id();
  }

  /// Ends the flight, by the one who leads. Nothing when it has ended: a function that began a load
  /// may throw, which is the answer, when somebody else has its completion.
  void land(landed came);
  /// The one who leads, of this ticket, gives up: it alone hears that it was cancelled, and the
  /// next leads. When nobody follows, the flight is abandoned: nobody can join it any more.
  void abandon(std::uint64_t ticket);
  [[nodiscard]] bool abandoned() const;

  /// The one who leads is being unwound by an exception: whoever called its start function says
  /// what came of it. Returns whether that was so.
  void unwind() noexcept { unwound_ = true; }
  [[nodiscard]] bool take_unwound() noexcept { return std::exchange(unwound_, false); }

  /// Blocks until it has landed. Null: the caller leads now, unless the flight is abandoned.
  [[nodiscard]] landed wait();
  /// For somebody who does not block; calls `done` at once when it has landed already. False when
  /// the flight is abandoned: the waiter is untouched then.
  [[nodiscard]] bool add(waiter& joined);
  /// Takes a waiter out; false when it was called already, or is being called.
  bool remove(std::uint64_t ticket);

 private:
  enum class state : std::uint8_t { led, leaderless, landed, abandoned };

  /// Under the lock.
  bool take(std::uint64_t ticket, waiter& into);
  void hand_over(std::uint64_t ticket);

  typename Atomics::template atomic<bool> superseded_{false};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  state state_ = state::led;
  std::size_t blocked_ = 0;
  std::list<waiter> waiters_;
  // Those who give up at once are followed one after the other, not one inside of the other.
  bool handing_over_ = false;
  std::optional<std::uint64_t> gave_up_meanwhile_;
  std::thread::id loading_on_;
  landed landed_;
  bool unwound_ = false;  // only on the thread that runs the start function
};

/// The flights of a cache, by key.
template <class Key, class Value, class Over, class Equal, class Atomics = std_atomics>
class flight_board {
 public:
  using flight_type = flight<Key, Value, Over, Atomics>;
  using pointer = std::shared_ptr<flight_type>;

  struct boarding {
    pointer joined;
    bool leads;  ///< It is new: who boarded it loads.
  };
  /// The flight for the key.
  [[nodiscard]] boarding board(std::uint64_t hash, const Key& key, const Equal& equal,
                               std::optional<Over> over = std::nullopt);
  /// Takes it from the board when it is still there.
  void leave(const flight_type& ended) noexcept;

  /// True when no load is under way that began before what this thread has just done: what is
  /// boarded later sees all of that.
  [[nodiscard]] bool empty() const noexcept;
  /// Supersedes the flight for the key and takes it from the board; whether there was one.
  template <class K>
  bool supersede(std::uint64_t hash, const K& key, const Equal& equal);
  void supersede_all();

  /// Of what is on the board, and of the board itself, but not of those who wait.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return map_bytes_.load(std::memory_order_relaxed) +
           flight_bytes_.load(std::memory_order_relaxed) * count_.load(std::memory_order_relaxed);
  }

 private:
  using map = std::unordered_multimap<std::uint64_t, pointer, std::hash<std::uint64_t>,
                                      std::equal_to<std::uint64_t>,
                                      counting_allocator<std::pair<const std::uint64_t, pointer>>>;
  using node = typename map::node_type;

  template <class K>
  [[nodiscard]] typename map::iterator find(std::uint64_t hash, const K& key, const Equal& equal);

  typename Atomics::template atomic<std::size_t> count_{0};
  typename Atomics::mutex mutex_;
  // Not of Atomics: they are figures.
  std::atomic<std::size_t> map_bytes_{0}, flight_bytes_{0};
  map flights_{typename map::allocator_type(map_bytes_)};  // by hash: as many as loads now
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Key, class Value, class Over, class Atomics>
void flight<Key, Value, Over, Atomics>::set_loading(bool here) {
  here ? ++loaders_on_this_thread : --loaders_on_this_thread;
  const std::lock_guard held(mutex_);
  loading_on_ = here ? std::this_thread::get_id() : std::thread::id();
}

template <class Key, class Value, class Over, class Atomics>
std::thread::id flight<Key, Value, Over, Atomics>::loading_on() const {
  const std::lock_guard held(mutex_);
  return loading_on_;
}

template <class Key, class Value, class Over, class Atomics>
void flight<Key, Value, Over, Atomics>::land(landed came) {
  std::list<waiter> waiting;
  {
    const std::lock_guard held(mutex_);
    if (state_ == state::landed) return;
    LODESTAR_ASSERT(state_ == state::led, "who ends a load leads it");
    state_ = state::landed;
    landed_ = came;
    waiting.swap(waiters_);
    changed_.notify_all();
  }
  for (waiter& each : waiting) each.done(came);
}

template <class Key, class Value, class Over, class Atomics>
void flight<Key, Value, Over, Atomics>::abandon(std::uint64_t ticket) {
  {
    const std::lock_guard held(mutex_);
    if (std::exchange(handing_over_, true)) {
      gave_up_meanwhile_ = ticket;
      return;
    }
  }
  for (std::optional<std::uint64_t> next = ticket; next;) {
    hand_over(*next);
    const std::lock_guard held(mutex_);
    next = std::exchange(gave_up_meanwhile_, std::nullopt);
    handing_over_ = next.has_value();
  }
}

template <class Key, class Value, class Over, class Atomics>
void flight<Key, Value, Over, Atomics>::hand_over(std::uint64_t ticket) {
  waiter gone;
  std::move_only_function<void(flight&)> lead_next;
  {
    const std::lock_guard held(mutex_);
    if (state_ == state::landed) return;
    LODESTAR_ASSERT(state_ == state::led, "who gives up has led");
    take(ticket, gone);
    if (blocked_ != 0) {
      state_ = state::leaderless;
      changed_.notify_one();
    } else if (waiters_.empty()) {
      state_ = state::abandoned;
    } else {
      // It stays among those who wait: it wants the answer, too.
      lead_next = std::move(waiters_.front().lead);
    }
  }
  if (gone.done) {
    gone.done(std::make_shared<const loaded<Value>>(
        fail(error_code::cancelled, "the load was given up before it brought anything")));
  }
  if (lead_next) lead_next(*this);
}

template <class Key, class Value, class Over, class Atomics>
bool flight<Key, Value, Over, Atomics>::abandoned() const {
  const std::lock_guard held(mutex_);
  return state_ == state::abandoned;
}

template <class Key, class Value, class Over, class Atomics>
auto flight<Key, Value, Over, Atomics>::wait() -> landed {
  std::unique_lock held(mutex_);
  ++blocked_;
  changed_.wait(held, [this] { return state_ != state::led; });
  --blocked_;
  if (state_ == state::leaderless) {
    state_ = state::led;
    return nullptr;
  }
  return landed_;
}

template <class Key, class Value, class Over, class Atomics>
bool flight<Key, Value, Over, Atomics>::add(waiter& joined) {
  {
    const std::lock_guard held(mutex_);
    if (state_ == state::abandoned) return false;
    if (state_ != state::landed) {
      waiters_.push_back(std::move(joined));
      return true;
    }
  }
  joined.done(landed_);
  return true;
}

template <class Key, class Value, class Over, class Atomics>
bool flight<Key, Value, Over, Atomics>::remove(std::uint64_t ticket) {
  waiter removed;  // destroyed without the lock
  const std::lock_guard held(mutex_);
  return take(ticket, removed);
}

template <class Key, class Value, class Over, class Atomics>
bool flight<Key, Value, Over, Atomics>::take(std::uint64_t ticket, waiter& into) {
  const auto position =
      std::find_if(waiters_.begin(), waiters_.end(),
                   [ticket](const waiter& each) { return each.ticket == ticket; });
  if (position == waiters_.end()) return false;
  into = std::move(*position);
  waiters_.erase(position);
  return true;
}

template <class Key, class Value, class Over, class Equal, class Atomics>
auto flight_board<Key, Value, Over, Equal, Atomics>::board(std::uint64_t hash, const Key& key,
                                                           const Equal& equal,
                                                           std::optional<Over> over) -> boarding {
  // Copies the key: not under the lock.
  auto [made, bytes] = make_measured<flight_type>(key, hash, std::move(over));
  flight_bytes_.store(bytes, std::memory_order_relaxed);
  {
    const std::lock_guard held(mutex_);
    const auto position = find(hash, key, equal);
    if (position != flights_.end()) return {position->second, false};
    flights_.emplace(hash, made);
    count_.store(flights_.size(), std::memory_order_release);
  }
  // The heavy side, since a load costs more than a write.
  Atomics::heavy_fence();
  return {std::move(made), true};
}

template <class Key, class Value, class Over, class Equal, class Atomics>
void flight_board<Key, Value, Over, Equal, Atomics>::leave(const flight_type& ended) noexcept {
  node dropped;  // destroyed without the lock
  const std::lock_guard held(mutex_);
  const auto [first, last] = flights_.equal_range(ended.hash);
  const auto position =
      std::find_if(first, last, [&ended](const auto& each) { return each.second.get() == &ended; });
  if (position == last) return;
  dropped = flights_.extract(position);
  count_.store(flights_.size(), std::memory_order_release);
}

template <class Key, class Value, class Over, class Equal, class Atomics>
bool flight_board<Key, Value, Over, Equal, Atomics>::empty() const noexcept {
  // Either we see the flight, or whoever began it sees what we have written (board()).
  Atomics::light_fence();
  return count_.load(std::memory_order_acquire) == 0;
}

template <class Key, class Value, class Over, class Equal, class Atomics>
template <class K>
bool flight_board<Key, Value, Over, Equal, Atomics>::supersede(std::uint64_t hash, const K& key,
                                                               const Equal& equal) {
  if (empty()) return false;
  node dropped;
  const std::lock_guard held(mutex_);
  const auto position = find(hash, key, equal);
  if (position == flights_.end()) return false;
  position->second->supersede();
  dropped = flights_.extract(position);
  count_.store(flights_.size(), std::memory_order_release);
  return true;
}

template <class Key, class Value, class Over, class Equal, class Atomics>
void flight_board<Key, Value, Over, Equal, Atomics>::supersede_all() {
  map dropped(flights_.get_allocator());
  const std::lock_guard held(mutex_);
  for (const auto& [hash, each] : flights_) each->supersede();
  dropped.swap(flights_);
  count_.store(0, std::memory_order_release);
}

template <class Key, class Value, class Over, class Equal, class Atomics>
template <class K>
auto flight_board<Key, Value, Over, Equal, Atomics>::find(std::uint64_t hash, const K& key,
                                                          const Equal& equal) ->
    typename map::iterator {
  const auto [first, last] = flights_.equal_range(hash);
  const auto position =
      std::find_if(first, last, [&](const auto& each) { return equal(each.second->key, key); });
  return position == last ? flights_.end() : position;
}

}  // namespace lodestar::cache::detail
