// The members of cache (cache.hpp) that make it, keep it in order and describe it.
#pragma once

#include <algorithm>
#include <memory>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

// ------------------------------------------------------------------------------------- making

template <class Key, class Value, class Hash, class Equal>
cache<Key, Value, Hash, Equal>::cache(options_type settings)
    : settings_(std::move(settings)),
      weighs_(settings_.weigher != nullptr),
      expires_(detail::has_times(settings_)),
      has_hooks_(settings_.expires.after_create || settings_.expires.after_update ||
                 settings_.expires.after_read),
      overwrites_(!contents::boxed && !weighs_ && !has_hooks_ && !settings_.listener),
      varies_(settings_.time_to_idle != never || settings_.expires.after_read != nullptr),
      keeps_deadline_(columns_for(settings_).deadline),
      refreshes_(settings_.refresh_after != never),
      has_alarm_(expires_ && settings_.timer != nullptr),
      refresh_ticks_(static_cast<ticks>(settings_.refresh_after.count() / 1000)),
      mix_(*settings_.random),
      began_(settings_.time->now()),
      records_(columns_for(settings_), records_for(settings_)),
      index_(weighs_ ? 0 : settings_.entries_max),
      counters_(settings_.statistics),
      sampled_(settings_.random->next()),
      bound_(weighs_ ? settings_.weight_max : settings_.entries_max),
      policy_(policy_view(*this), std::max<std::size_t>(bound_, 1), sampled_) {
  const auto mistake = find_mistake(settings_);
  LODESTAR_ASSERT(!mistake, "the options of a cache are possible: ask find_mistake()");
  if (settings_.failure_time_to_live > nanoseconds::zero()) {
    failures_ = std::make_unique<cache<Key, error, Hash, Equal>>(
        options<Key, error>{.entries_max = settings_.failures_max,
                            .time_to_live = settings_.failure_time_to_live,
                            .time = settings_.time,
                            .random = settings_.random});
  }
}

template <class Key, class Value, class Hash, class Equal>
detail::columns cache<Key, Value, Hash, Equal>::columns_for(const options_type& settings) {
  return {.hash = hash_is_kept,
          .weight = settings.weigher != nullptr,
          .timer = detail::has_times(settings),
          .deadline = settings.time_to_idle != never && settings.time_to_live != never,
          .written = settings.refresh_after != never};
}

// One more than may stay: the policy chooses who goes knowing who comes.
template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::records_for(const options_type& settings) {
  return std::min(settings.weigher ? detail::entries_limit : settings.entries_max,
                  detail::entries_limit) +
         1;
}

template <class Key, class Value, class Hash, class Equal>
cache<Key, Value, Hash, Equal>::~cache() {
  life_.cut();
  if constexpr (contents::boxed) {
    for (std::uint32_t number = 0; number < records_.numbers_end(); ++number) {
      const record& each = records_.at(number);
      if (each.alive()) contents::destroy(contents::box_of(each.content()));
    }
  }
}

// ------------------------------------------------------------------------------------- time

template <class Key, class Value, class Hash, class Equal>
detail::ticks cache<Key, Value, Hash, Equal>::now() const noexcept {
  return static_cast<ticks>((settings_.time->now() - began_).count()) / 1000;
}

template <class Key, class Value, class Hash, class Equal>
detail::ticks cache<Key, Value, Hash, Equal>::recent() const noexcept {
  const nanoseconds passed = settings_.time->recent() - began_;
  return static_cast<ticks>(std::max(passed, nanoseconds::zero()).count()) / 1000;
}

// Nearly always the cheaper clock is enough to tell.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::has_time_left(ticks expires) const noexcept {
  constexpr auto lag = static_cast<ticks>(clock::recent_lag_max.count() / 1000);
  return expires > recent() + lag || expires > now();
}

template <class Key, class Value, class Hash, class Equal>
detail::ticks cache<Key, Value, Hash, Equal>::after(nanoseconds delay, ticks from) noexcept {
  if (delay == never) return detail::ticks_never;
  if (delay <= nanoseconds::zero()) return from;
  const auto delay_ticks = static_cast<ticks>(delay.count() / 1000 + 1);
  return std::min(from + delay_ticks, detail::ticks_never - 1);
}

// ------------------------------------------------------------------------------------- order

// Sees to it that the timer calls when something may expire first. What could not be arranged is
// tried again by the next call.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::set_alarm() noexcept {
  const auto set_for = [this] { return alarm_.load(std::memory_order_relaxed); };
  if (!has_alarm_ || earliest_.load(std::memory_order_relaxed) >= set_for()) return;
  std::optional<ticks> next;
  {
    const std::lock_guard held(mutex_);
    next = wheel_.next_due();
    earliest_.store(next.value_or(detail::ticks_never), std::memory_order_relaxed);
    if (!next || *next >= set_for()) return;
    alarm_.store(*next, std::memory_order_relaxed);
  }
  const steady_time when = began_ + microseconds(*next);
  bool taken = false;
  try {
    taken = settings_.timer->post_at(when, [line = life_.tie(), then = *next] {
      if (const auto owner = line.hold()) owner->answer_alarm(then);
    });
  } catch (const std::bad_alloc&) {
    taken = false;
  }
  if (!taken) static_cast<void>(end_alarm(*next));
}

// False when it is not the one that counts: an earlier one was set since.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::end_alarm(ticks when) noexcept {
  return alarm_.compare_exchange_strong(when, detail::ticks_never, std::memory_order_relaxed);
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::answer_alarm(ticks when) {
  if (!end_alarm(when)) return;
  const bool passed_on =
      settings_.background != nullptr && settings_.background->post([line = life_.tie()] {
        if (const auto owner = line.hold()) owner->maintain();
      });
  if (!passed_on) maintain();
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::maintain() {
  if (invalidations_.active() != nullptr) sweep_everything();
  if (failures_) failures_->maintain();
  if constexpr (collects) take_collected();
  for (bool more = expires_; more;) {
    removals gone(*this);
    const std::lock_guard held(mutex_);
    take_expired(gone);
    more = gone.full();
  }
  {
    const std::lock_guard held(mutex_);
    free_outgrown();
  }
  destroy_retired(1);
  set_alarm();
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::resize(std::size_t bound) {
  LODESTAR_ASSERT(bound <= (weighs_ ? detail::weight_limit : detail::entries_limit),
                  "the bound is one that the options could have");
  {
    const std::lock_guard held(mutex_);
    bound_.store(bound, std::memory_order_relaxed);
    policy_.resize(std::max<std::size_t>(bound, 1));
    if (!weighs_) records_.set_records_max(bound + 1);
  }
  for (bool fits = false; !fits;) {
    const cleaning after_it(*this);
    removals gone(*this);
    const std::lock_guard held(mutex_);
    fits = make_room(0, gone);
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::retire(const words& content) {
  if constexpr (contents::boxed) limbo_.add(contents::box_of(content));
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::destroy_retired(std::size_t enough) const {
  if constexpr (contents::boxed) static_cast<void>(limbo_.collect(enough));
  static_cast<void>(invalidations_.forgotten());
}

// ------------------------------------------------------------------------------------- figures

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::size() const {
  return entries_.load(std::memory_order_relaxed);
}

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::weight() const {
  return weight_.load(std::memory_order_relaxed);
}

template <class Key, class Value, class Hash, class Equal>
statistics cache<Key, Value, Hash, Equal>::stats() const {
  const std::lock_guard held(mutex_);
  return {.hits = counters_.sum(hits),
          .misses = counters_.sum(misses),
          .insertions = counters_.sum(insertions),
          .evictions = evictions_,
          .expirations = expirations_,
          .collections = collections_,
          .refusals = refusals_,
          .loads = counters_.sum(loads),
          .load_failures = counters_.sum(load_failures),
          .load_time = nanoseconds(static_cast<std::int64_t>(counters_.sum(loads_ns))),
          .entries = entries_.load(std::memory_order_relaxed),
          .weight = weight_.load(std::memory_order_relaxed)};
}

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::memory_used() const {
  const std::lock_guard held(mutex_);
  std::size_t bytes = sizeof(*this) + records_.memory_bytes() + index_.memory_bytes() +
                      counters_.memory_bytes() + samples_.memory_bytes() + policy_.memory_bytes() +
                      board_.memory_bytes() + life_.memory_bytes() + invalidations_.memory_bytes() +
                      outgrown_.capacity() * sizeof(outgrown);
  if (failures_) bytes += failures_->memory_used();
  for (const outgrown& each : outgrown_) bytes += each.lines.memory_bytes();
  if constexpr (contents::boxed)
    bytes += (entries_.load(std::memory_order_relaxed) + limbo_.size()) * sizeof(box);
  return bytes;
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::validate() const {
  const std::lock_guard held(mutex_);
  std::size_t weight = 0;
  std::size_t pinned = 0;
  std::size_t alive = 0;
  std::size_t timed = 0;
  for (std::uint32_t number = 0; number < records_.numbers_end(); ++number) {
    if (!records_.at(number).alive()) continue;
    ++alive;
    weight += weight_of(number);
    if (weight_of(number) == 0) ++pinned;
    if (expires_ && records_.timer_previous(number) != detail::no_number) ++timed;
    const auto hash = hash_of_record(number);
    const auto listed =
        index_.find(hash, [number](std::uint32_t candidate) { return candidate == number; });
    LODESTAR_ASSERT(listed == number, "every living record is in the index");
  }
  std::size_t indexed = 0;
  index_.for_each([&indexed](std::uint32_t, std::uint8_t, std::uint32_t) { ++indexed; });
  LODESTAR_ASSERT(indexed == alive, "the index holds nothing but the living records");
  LODESTAR_ASSERT(alive == entries_.load(std::memory_order_relaxed), "entries are counted");
  LODESTAR_ASSERT(weight == weight_.load(std::memory_order_relaxed),
                  "the total is the sum of the weights");
  LODESTAR_ASSERT(weight <= bound_, "the bound holds");
  LODESTAR_ASSERT(pinned == pinned_, "pinned entries are counted");
  policy_.validate();
  LODESTAR_ASSERT(policy_.size() + pinned == alive, "the policy knows every entry");
  LODESTAR_ASSERT(policy_.weight() == weight, "the policy knows every weight");
  LODESTAR_ASSERT(wheel_.validate() == timed, "the wheel knows every entry that expires");
}

}  // namespace lodestar::cache
