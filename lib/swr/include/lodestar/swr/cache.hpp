// Stale-while-revalidate over one or more tiers (at present: memory), with one computation per key.
//
//   lodestar::swr::cache<std::string, shared_bytes> pages(64u << 20, lodestar::system_clock());
//   pages.get_or_load("/", {.fresh_ms = 1'000, .stale_ms = 60'000}, {},
//                     [](auto done) { done(loaded<shared_bytes>{.value = render()}); },
//                     [](const auto& page) { if (page) send(page->value); });
//
// An entry is
//   fresh    its dependencies have not moved since it was computed, and it is younger than
//   fresh_ms; stale    else, while it has been out of date for less than stale_ms: it is served,
//   marked, and
//            revalidated once in the background;
//   expired  else: the caller waits for a new computation.
// A dependency that moves makes an entry stale at that moment, never fresh again: no entry has to
// be found and deleted, so an invalidation cannot be lost to a computation that is in flight (it
// stores an older computed_at).
//
// Time. Age counts from the moment the computation began. An entry has been out of date since it
// passed fresh_ms, or since a call first found that a dependency had moved, whichever is earlier; a
// dependency knows positions and not times, so an entry that nobody asked for may have been out of
// date for longer than that. fresh_ms + stale_ms bounds the age of whatever is served from the
// cache: who needs a hard bound sets fresh_ms too.
//
// Positions. An entry is true at position_min when it is current (no dependency moved after
// computed_at) or computed_at >= position_min; stale entries must be, too. position_min must be a
// position whose moves the dependencies have heard of. A demand without position_min that joins a
// flight takes what the flight brings, even if a dependency moved meanwhile: the answer then says
// stale, and no later call takes it for fresh.
//
// Flights. Every miss, revalidation and refresh of a key is one flight: callers join it, each with
// its own demand.
//   - A caller whom its result does not satisfy (it began before position_min, or saw more than
//     position_max), and a caller with `bypass` that joined it under way, go on to one more flight,
//     led by the first of them with its own loader. Each flight ends at least its leader's wait
//     (with unavailable or unsupported when even its own loader did not meet its demand). So no
//     demand loads twice on its own account, and nobody waits for more flights than there were
//     callers before it.
//   - An error reaches everybody who waited for it and is not cached. After a failed background
//     revalidation a stale entry starts no other one for 100 ms, doubling up to 10 s; callers who
//     have to wait load without that delay.
//   - A result never replaces an entry with a higher computed_at. set(), remove() and clear() win
//     over a flight under way: its callers get its result, it is not stored, and who calls later
//     begins a new flight.
// The facade has no thread: the loader decides where it runs, and handlers run where the loader
// completes (or inline on a hit). When a loader completes inside its own call, they run right after
// it has returned.
//
// Loaders must call `done` exactly once, from any thread. Destroying `done` without a call answers
// cancelled to everybody who waits, throwing from the loader answers internal: no key gets stuck. A
// loader that asks for its own key before it returns gets invalid_argument, unless the cache can
// serve it. Deadlines are the loader's business.
//
// Thread-safety: all members may be called from any thread; loaders and handlers run without a lock
// held and may call back into the cache. Handlers must not throw.
//
// Lifetimes: the cache may be destroyed while flights are under way, they end as usual and their
// handlers run; only the clock must outlive them. Values are copied to each caller (use a
// shared_ptr or shared_bytes); values and dependencies that leave the cache are destroyed without a
// lock held.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/swr/detail/core.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr {

/// `Checks` is for tests of the tests; leave it alone.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>,
          class Checks = detail::all_checks>
class cache {
  using core = detail::core<Key, Value, Hash, Equal, Checks>;

 public:
  using done = typename core::done;      ///< move_only_function<void(result<loaded<Value>>)>
  using loader = typename core::loader;  ///< move_only_function<void(done)>: starts a computation.
  using handler = typename core::handler;  ///< move_only_function<void(result<answer<Value>>)>:
                                           ///< called exactly once.

  cache(std::size_t weight_max, const clock& time)
      : core_(std::make_shared<core>(weight_max, time)) {}
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  /// The entry if it meets the demand; never loads and never waits. A demand with `bypass` gets
  /// nothing.
  [[nodiscard]] std::optional<answer<Value>> get(const Key& key, const lifetimes& allowed,
                                                 const demand& wanted = {}) {
    return core_->get(key, allowed, wanted);
  }
  /// The same for a caller who goes on to get_or_load() when there is nothing: the miss is counted
  /// there.
  [[nodiscard]] std::optional<answer<Value>> get_before_load(const Key& key,
                                                             const lifetimes& allowed,
                                                             const demand& wanted = {}) {
    return core_->get_before_load(key, allowed, wanted);
  }
  /// Answers from the cache inline, or joins or begins a computation. invalid_argument when
  /// position_min > position_max.
  void get_or_load(const Key& key, const lifetimes& allowed, const demand& wanted, loader load,
                   handler reply) {
    core_->get_or_load(key, allowed, wanted, std::move(load), std::move(reply));
  }

  /// Stores the value, whatever is there or being computed.
  void set(const Key& key, loaded<Value> content) { core_->set(key, std::move(content)); }
  /// False when there was no entry; a computation under way is superseded all the same.
  bool remove(const Key& key) { return core_->remove(key); }
  void clear() { core_->clear(); }

  [[nodiscard]] statistics stats() const { return core_->stats(); }
  /// Checks the invariants of the inside and ends the process when one is broken. For tests.
  void validate() const { core_->validate(); }

 private:
  std::shared_ptr<core> core_;
};

}  // namespace lodestar::swr
