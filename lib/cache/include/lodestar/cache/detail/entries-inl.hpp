// The members of cache (cache.hpp) that work under its lock: entries come, change and go.
#pragma once

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

// ------------------------------------------------------------------------------------- coming

template <class Key, class Value, class Hash, class Equal>
std::optional<outcome> cache<Key, Value, Hash, Equal>::try_store(incoming& value, expected wanted,
                                                                 const reading* same,
                                                                 removals& gone) {
  found there;
  bool present = lookup(value.hash, value.key, there);
  if (present && needs_sweep(*there.place)) return std::nullopt;
  if (present && !is_current(there.seen)) {
    if (!take_out_stale(there.number, gone)) return std::nullopt;  // somebody renewed it
    present = false;
  }
  if (value.loaded_by != nullptr && value.loaded_by->superseded()) return outcome::different;
  if (present && wanted == expected::absent) return outcome::present;
  if (!present && wanted == expected::present) return outcome::absent;
  if (wanted == expected::same && !(present && is_same(there.seen, *same)))
    return outcome::different;
  if (value.weight > bound_) {
    ++refusals_;
    if (present) take_out(there.number, removal_cause::replaced, gone);
    return outcome::too_heavy;
  }
  if (present) {
    const std::size_t old_weight = weight_of(there.number);
    if (value.weight > old_weight && !make_room(value.weight - old_weight, gone))
      return std::nullopt;
    // It may have gone to make room for itself.
    if (gone.full() || !records_.at(there.number).alive()) return std::nullopt;
    if (!put_over(there.number, value, same, gone)) return outcome::different;
  } else {
    if (!put_new(value, gone)) return std::nullopt;
    if (!value.stored) return outcome::too_heavy;
  }
  value.stored = true;
  if (expires_) take_expired(gone);
  return present ? outcome::replaced : outcome::inserted;
}

// False when `gone` was full before there was room. Stores nothing when there is no record left.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::put_new(incoming& value, removals& gone) {
  const std::uint32_t number = records_.take();
  if (number == detail::no_number) {
    ++refusals_;
    return true;
  }
  records_.at(number).bear(value.content, value.expires,
                           static_cast<std::uint8_t>(invalidations_.generation()));
  if constexpr (hash_is_kept) records_.hash(number) = value.hash;
  if (weighs_) records_.weight(number) = value.weight;
  note_write(number, value.deadline, value.age);
  if (expires_) records_.timer_previous(number) = detail::no_number;
  bool entered = false;
  try {
    enter(number, value.how);
    entered = true;
    value.stored = make_room(value.weight, gone);
    if (value.stored) list(number, value.hash);
  } catch (...) {
    value.stored = false;
    if (entered) leave(number);
    abolish(number);
    throw;
  }
  if (!value.stored) {
    leave(number);
    abolish(number);
    return false;
  }
  if (value.uses != 0) records_.at(number).set_uses(value.uses);
  if (expires_) schedule(number, value.expires);
  weight_.store(weight_ + value.weight, std::memory_order_relaxed);
  entries_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

// False when another value than `same` is there.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::put_over(std::uint32_t number, incoming& value,
                                              const reading* same, removals& gone) {
  auto& place = records_.at(number);
  const auto old =
      place.exchange_if(value.content, value.expires,
                        static_cast<std::uint8_t>(invalidations_.generation()), matching(same));
  if (!old) return false;
  gone.add(*old, removal_cause::replaced);
  place.use(detail::uses_max);
  note_write(number, value.deadline);
  if (expires_) schedule(number, value.expires);
  if (weighs_) reweigh(number, value.weight);
  return true;
}

// False when `gone` was full before there was room.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::make_room(std::size_t added_weight, removals& gone) {
  const std::size_t weight_max = bound_ - std::min<std::size_t>(bound_, added_weight);
  while (weight_ > weight_max) {
    if (gone.full()) return false;
    evict(gone);
  }
  return true;
}

// ------------------------------------------------------------------------------------- going

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::evict(removals& gone) {
  const std::uint32_t number = policy_.evict();
  LODESTAR_ASSERT(number != detail::no_number, "whatever has a weight can be evicted");
  const std::uint64_t hash = hash_of_record(number);
  const removal_cause cause = stale_cause(number).value_or(removal_cause::size);
  count_removal(cause);
  gone.add(*records_.at(number).bury_if(always), cause);
  weight_.store(weight_ - weight_of(number), std::memory_order_relaxed);
  strike(number, hash);
}

// False when the condition does not hold (record::bury_if).
template <class Key, class Value, class Hash, class Equal>
template <class Condition>
bool cache<Key, Value, Hash, Equal>::take_out(std::uint32_t number, removal_cause cause,
                                              removals& gone, Condition condition) {
  const std::uint64_t hash = hash_of_record(number);
  const auto held = records_.at(number).bury_if(condition);
  if (!held) return false;
  gone.add(*held, cause);
  leave(number);
  weight_.store(weight_ - weight_of(number), std::memory_order_relaxed);
  strike(number, hash);
  count_removal(cause);
  return true;
}

// Removes it if its time has passed or it was collected; false when it counts.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::take_out_stale(std::uint32_t number, removals& gone) {
  const auto cause = stale_cause(number);
  return cause &&
         take_out(number, *cause, gone, [this, present = now()](const words& held, ticks expires) {
           return (expires_ && expires <= present) || is_collected(held);
         });
}

template <class Key, class Value, class Hash, class Equal>
std::optional<removal_cause> cache<Key, Value, Hash, Equal>::stale_cause(
    std::uint32_t number) const {
  const record& place = records_.at(number);
  if (expires_ && place.expires() <= now()) return removal_cause::expired;
  if (is_collected(place.content())) return removal_cause::collected;
  return std::nullopt;
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::count_removal(removal_cause cause) noexcept {
  if (cause == removal_cause::size) ++evictions_;
  if (cause == removal_cause::expired) ++expirations_;
  if (cause == removal_cause::collected) ++collections_;
}

// Nobody says when a value is collected: this looks at all of them.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::take_collected() {
  const std::uint32_t end = records_.numbers_end();
  for (std::uint32_t number = 0; number < end;) {
    removals gone(*this);
    const detail::process_pin pinned;
    const std::lock_guard held(mutex_);
    const std::uint32_t stop = std::min(end, number + detail::limits::swept_at_once);
    for (; number < stop && !gone.full(); ++number)
      if (records_.at(number).alive()) take_out_stale(number, gone);
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::take_expired(removals& gone) {
  const ticks present = now();
  while (!gone.full()) {
    const auto number = wheel_.take_due(present);
    if (!number) return;
    records_.timer_previous(*number) = detail::no_number;
    // Somebody may have renewed it since the wheel looked.
    if (!take_out_stale(*number, gone)) schedule(*number, records_.at(*number).expires());
  }
}

// ------------------------------------------------------------------------------------- the policy

// To those who may be evicted, or who are pinned.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::enter(std::uint32_t number, detail::arrival how) {
  const std::size_t weight = weight_of(number);
  if (weight == 0) {
    ++pinned_;
  } else {
    policy_.insert(number, how);
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::leave(std::uint32_t number) {
  const std::size_t weight = weight_of(number);
  if (weight == 0) {
    --pinned_;
  } else {
    policy_.erase(number);
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::reweigh(std::uint32_t number, std::size_t weight) {
  const std::size_t before = weight_of(number);
  if (before == weight) return;
  if (before == 0 || weight == 0) {
    leave(number);
    records_.weight(number) = weight;
    enter(number);
  } else {
    records_.weight(number) = weight;
    policy_.reweigh(number, before);
  }
  weight_.store(weight_ - before + weight, std::memory_order_relaxed);
}

template <class Key, class Value, class Hash, class Equal>
std::uint64_t cache<Key, Value, Hash, Equal>::hash_of_record(std::uint32_t number) const {
  if constexpr (hash_is_kept) {
    return records_.hash(number);
  } else {
    return contents::open(records_.at(number).content(),
                          [this](const Key& key, const Value&) { return hash_of(key); });
  }
}

// ------------------------------------------------------------------------------------- places

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::list(std::uint32_t number, std::uint64_t hash) {
  if (!outgrown_.empty()) free_outgrown();
  outgrown_.reserve(outgrown_.size() + 1);
  index_.insert(
      hash, number, [this](std::uint32_t other) { return hash_of_record(other); },
      [this](typename detail::index_table<>::outgrown&& lines) {
        outgrown_.push_back({std::move(lines), detail::process_epochs.value.begin_period()});
      });
}

// A record that is dead and in neither the policy nor the total any more.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::strike(std::uint32_t number, std::uint64_t hash) noexcept {
  if (expires_ && records_.timer_previous(number) != detail::no_number) wheel_.remove(number);
  index_.erase(hash, number);
  records_.give_back(number);
  entries_.fetch_sub(1, std::memory_order_relaxed);
}

// A record that was never listed.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::abolish(std::uint32_t number) noexcept {
  static_cast<void>(records_.at(number).bury_if(always));
  records_.give_back(number);
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::schedule(std::uint32_t number, ticks expires) noexcept {
  if (records_.timer_previous(number) != detail::no_number) wheel_.remove(number);
  if (expires == detail::ticks_never) {
    records_.timer_previous(number) = detail::no_number;
  } else {
    wheel_.add(number, expires);
    if (expires < earliest_.load(std::memory_order_relaxed))
      earliest_.store(expires, std::memory_order_relaxed);
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::free_outgrown() {
  std::erase_if(outgrown_, [](const outgrown& each) {
    return detail::process_epochs.value.passed(each.period);
  });
}

}  // namespace lodestar::cache
