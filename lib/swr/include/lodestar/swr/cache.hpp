// Stale-while-revalidate over memory and any number of tiers below it, with one computation per
// key.
//
//   lodestar::swr::cache<std::string, std::string> pages(
//       {.weight_max = 10'000, .keep = {.fresh_ms = 1'000, .stale_ms = 60'000}});
//   pages.get_or_load("/", {}, {},
//                     [](auto done) { done(loaded<std::string>{.value = render()}); },
//                     [](const auto& page) { if (page) send(page->value); });
//
// An entry is
//   fresh    its dependencies have not moved since it was computed, and it is younger than
//            fresh_ms;
//   stale    else, while it has been out of date for less than stale_ms: it is served, marked, and
//            revalidated once in the background;
//   expired  else: the caller waits for a new computation. When that fails or takes longer than the
//            caller's soft_timeout_ms, an entry that has been expired for less than fail_safe_ms is
//            served, marked expired and with the failure; for fail_safe_throttle_ms nobody tries
//            again. It never becomes fresh or stale by that.
// The lifetimes are those that the entry was stored with, unless the call brings its own. A
// dependency that moves makes an entry stale at that moment, never fresh again: no entry has to be
// found and deleted, so an invalidation cannot be lost to a computation that is in flight (it
// stores an older computed_at).
//
// Tiers (tiers.hpp). A flight looks in them before it loads; what it finds goes into memory and
// into the tiers above, with the age that it has. What is loaded or set goes into memory and all
// tiers. A tier that fails is a miss.
//
// Absence. A loader's error is no answer and is not kept. For a key that the origin does not have,
// let Value be a std::optional and answer with an empty one: it is kept for keep_absent.
//
// Tags. remove_by_tag() makes everything absent whose loader or set() gave it the tag, in memory,
// tiers and flights under way, in a time that does not depend on how many they are.
//
// Time. Age counts from the moment the computation began. An entry has been out of date since it
// passed fresh_ms, or since a call first found that a dependency had moved, whichever is earlier; a
// dependency knows positions and not times, so an entry that nobody asked for may have been out of
// date for longer than that. fresh_ms + stale_ms bounds the age of whatever is served as not
// expired: who needs a hard bound sets fresh_ms too.
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
//     position_max), and a caller with `bypass` that joined a computation under way, go on to one
//     more flight, led by the first of them with its own loader. Each flight ends at least its
//     leader's wait (with unavailable or unsupported when even its own loader did not meet its
//     demand). So no demand loads twice on its own account, and nobody waits for more flights than
//     there were callers before it.
//   - An error reaches everybody who waited for it, if fail-safe has nothing. After a failed
//     background revalidation a stale entry starts no other one for 100 ms, doubling up to 10 s;
//     callers who have to wait load without that delay.
//   - A result never replaces an entry with a higher computed_at. set(), remove() and clear() win
//     over a flight under way, in memory and in every tier: its callers get its result, it is not
//     stored, and who calls later begins a new flight.
//   - A caller who has waited for hard_timeout_ms gets what fail-safe has, or deadline_exceeded;
//     the flight goes on. A loader that has not answered after load_ms_max no longer holds the key.
// The facade has no thread: the loader decides where it runs, and handlers run where the loader or
// the tier completes, where a timeout is noticed (the timer), or inline on a hit. With tiers a
// loader may be called on a thread of theirs: what blocks must go elsewhere (blocking.hpp). When a
// loader completes inside its own call, handlers run right after it has returned.
//
// Loaders must call `done` exactly once, from any thread. Destroying `done` without a call answers
// cancelled to everybody who waits, throwing from the loader answers internal: no key gets stuck. A
// loader that asks for its own key before it returns gets invalid_argument, unless the cache can
// serve it.
//
// Thread-safety: all members may be called from any thread; loaders and handlers run without a lock
// held and may call back into the cache. Handlers must not throw.
//
// Lifetimes: the cache may be destroyed while flights are under way, they end as usual and their
// handlers run; the clock, timer and randomness of its options must outlive them. Values are copied
// to each caller (use a shared_ptr or shared_bytes); values and dependencies that leave the cache
// are destroyed without a lock held.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/swr/detail/core.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr {

/// `Checks` is for tests of the tests; leave it alone.
template <class Key, class Value, class Hash = ::lodestar::cache::hash<Key>,
          class Equal = ::lodestar::cache::equal_to<Key>, class Checks = detail::all_checks>
class cache {
  using core = detail::core<Key, Value, Hash, Equal, Checks>;

 public:
  using done = typename core::done;      ///< move_only_function<void(result<loaded<Value>>)>
  using loader = typename core::loader;  ///< move_only_function<void(done)>: starts a computation.
  using handler = typename core::handler;  ///< move_only_function<void(result<answer<Value>>)>:
                                           ///< called exactly once.

  using key_type = Key;
  using value_type = Value;
  using key_equal = Equal;
  using options_type = options<Key, Value>;

  /// The options must be without mistake (find_mistake).
  explicit cache(const options_type& settings) {
    const auto mistake = find_mistake(settings);
    LODESTAR_ASSERT(!mistake, "the options of a cache are without mistake");
    core_ = std::make_shared<core>(settings);
    core_->begin();
  }
  ~cache() { core_->end(); }
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  /// The entry in memory if it meets the demand; never loads and never waits. A demand with
  /// `bypass` gets nothing.
  [[nodiscard]] std::optional<answer<Value>> peek(const Key& key, const call_options& allowed,
                                                  const demand& wanted = {}) {
    return core_->get(key, allowed, wanted);
  }
  /// With the cache's `defaults`.
  [[nodiscard]] std::optional<answer<Value>> peek(const Key& key) {
    return core_->get(key, core_->settings().defaults, {});
  }
  /// The same for a caller who goes on to get_or_load() when there is nothing: the miss is counted
  /// there.
  [[nodiscard]] std::optional<answer<Value>> peek_before_load(const Key& key,
                                                              const call_options& allowed,
                                                              const demand& wanted = {}) {
    return core_->get_before_load(key, allowed, wanted);
  }
  /// What memory or a tier has; not_found when none has it. Inline when memory has it.
  void get(const Key& key, const call_options& allowed, const demand& wanted, handler reply) {
    core_->get_or_load(key, allowed, wanted, nullptr, std::move(reply));
  }
  /// Answers from memory inline, from a tier, or joins or begins a computation. invalid_argument
  /// when position_min > position_max.
  void get_or_load(const Key& key, const call_options& allowed, const demand& wanted, loader load,
                   handler reply) {
    LODESTAR_ASSERT(load != nullptr, "get_or_load needs a loader");
    core_->get_or_load(key, allowed, wanted, std::move(load), std::move(reply));
  }

  // Changes are in memory when the call returns, and in the tiers when `told` (may be null) is
  // called: with the first error when a tier did not take it. That tier is not asked for the key
  // until it has taken this or something newer, which goes on without the caller.

  /// Stores the value, whatever is there or being computed.
  void set(const Key& key, loaded<Value> content, const call_options& allowed, store::ended told) {
    core_->set(key, std::move(content), allowed, std::move(told));
  }
  void remove(const Key& key, store::ended told) { core_->remove(key, std::move(told)); }
  /// Removes all entries that have the tag, at once, however many they are.
  void remove_by_tag(const std::string& tag, store::ended told) {
    core_->remove_by_tag(tag, std::move(told));
  }
  void clear(store::ended told) { core_->clear(std::move(told)); }

  [[nodiscard]] statistics stats() const { return core_->stats(); }
  /// As given at the beginning. They stay where they are while a load is under way, also when the
  /// cache is gone.
  [[nodiscard]] const options_type& settings() const noexcept { return core_->settings(); }
  /// Checks the invariants of the inside and ends the process when one is broken. For tests.
  void validate() const { core_->validate(); }

 private:
  std::shared_ptr<core> core_;
};

}  // namespace lodestar::swr
