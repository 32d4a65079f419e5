// The members of cache (cache.hpp) that invalidate: what is invalid is removed afterwards, some
// records at a time, by whoever comes by. Nothing of the caller's runs under a lock.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::invalidate_all() {
  invalidate(nullptr);
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::invalidate_if(condition_type condition) {
  LODESTAR_ASSERT(condition, "a condition says which entries it concerns");
  invalidate(std::make_unique<condition_type>(std::move(condition)));
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::invalidate(std::unique_ptr<condition_type> condition) {
  const cleaning after_it(*this);
  // What is being loaded may concern what is invalid now, whatever its key.
  board_.supersede_all();
  if (failures_) failures_->invalidate_all();
  for (bool begun = false; !begun;) {
    {
      const std::lock_guard held(mutex_);
      begun = invalidations_.has_room();
      if (begun) invalidations_.begin(std::move(condition));
    }
    if (!begun) sweep_everything();
  }
  // And what was boarded meanwhile may have found an entry that was still valid.
  board_.supersede_all();
  if (settings_.background != nullptr) sweep_later();
}

// Whether an entry that was looked up while something was invalidated counts. K: as for lookup().
template <class Key, class Value, class Hash, class Equal>
template <class K>
auto cache<Key, Value, Hash, Equal>::find_valid(std::uint64_t hash, const K& key) const
    -> std::optional<found> {
  found there;
  for (;;) {
    if (!lookup(hash, key, there)) return std::nullopt;
    // In this order: the value is of that generation, or of a newer one.
    const auto generation = invalidations_.whole(there.place->generation());
    const std::uint32_t version = there.seen.version;
    if (!there.place->read(there.seen, expires_)) return std::nullopt;
    if (there.seen.version != version) continue;
    if (!is_current(there.seen) || is_invalid(generation, there.seen)) return std::nullopt;
    return there;
  }
}

// What is written meanwhile may be missed.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::read_if_valid(std::uint32_t number, reading& into) const {
  const record& place = records_.at(number);
  const bool in_doubt = invalidations_.active() != nullptr;
  const auto generation = invalidations_.whole(place.generation());
  if (!place.read(into, expires_) || !is_current(into)) return false;
  return !in_doubt || !is_invalid(generation, into);
}

template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::is_invalid(generation_number generation,
                                                const reading& seen) const {
  const auto* const rules = invalidations_.active();
  return rules != nullptr && rules->concern(generation, [&](const condition_type& condition) {
    try {
      return contents::open(seen.content, [&](const Key& key, const Value& value) {
        return static_cast<bool>(condition(key, value));
      });
    } catch (...) {
      return true;  // rather absent than wrong
    }
  });
}

// Removes the record when it is invalid, or lets it have the present generation.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::sweep(std::uint32_t number) {
  record& place = records_.at(number);
  for (bool done = false; !done;) {
    removals gone(*this);
    const detail::process_pin pinned;
    reading seen;
    std::uint8_t lower_bits = 0;
    const auto* const rules = invalidations_.active();
    if (rules == nullptr || !place.read_between_writers(seen, lower_bits)) return;
    const auto generation = invalidations_.whole(lower_bits);
    const auto is_still = [&](const words& held, ticks) {
      return place.generation() == lower_bits && detail::same_value(held, seen.content);
    };
    if (is_invalid(generation, seen)) {
      const std::lock_guard held(mutex_);
      done = place.is_still(seen) && take_out(number, removal_cause::explicit_, gone, is_still);
    } else if (rules->are_older(generation)) {
      done = true;
    } else if (place.try_lock(seen)) {
      done = is_still(place.content(), 0);
      if (done) place.set_generation(static_cast<std::uint8_t>(rules->newest()));
      place.unlock_unchanged(seen);
    }
  }
}

// Before a key is written under the lock, where no condition may be asked: afterwards
// needs_sweep() is false until somebody invalidates again.
template <class Key, class Value, class Hash, class Equal>
template <class K>
void cache<Key, Value, Hash, Equal>::sweep_key(std::uint64_t hash, const K& key) {
  if (invalidations_.active() == nullptr) return;
  std::uint32_t number = detail::no_number;
  {
    const detail::process_pin pinned;
    found there;
    if (lookup(hash, key, there)) number = there.number;
  }
  if (number != detail::no_number) sweep(number);
}

template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::needs_sweep(const record& place) const {
  const auto* const rules = invalidations_.active();
  return rules != nullptr && !rules->are_older(invalidations_.whole(place.generation()));
}

// By one at a time: whoever finds another one at it has nothing to do. False when nothing is left
// to be done, or another one does it.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::sweep_some(std::uint32_t count) {
  if (invalidations_.active() == nullptr || sweeping_.test_and_set(std::memory_order_acquire))
    return false;
  const auto end_turn = [this](void*) { sweeping_.clear(std::memory_order_release); };
  const std::unique_ptr<void, decltype(end_turn)> turn(this, end_turn);
  if (sweep_next_ == 0) {
    const std::lock_guard held(mutex_);
    sweep_until_ = invalidations_.generation();
  }
  const std::uint32_t end = records_.numbers_end();
  const std::uint32_t stop = sweep_next_ + std::min(count, end - std::min(end, sweep_next_));
  while (sweep_next_ < stop) sweep(sweep_next_++);
  const bool whole = stop == end;
  if (whole) {
    end_sweep(sweep_until_);
    sweep_next_ = 0;
  }
  return !whole || invalidations_.active() != nullptr;
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::sweep_everything() {
  generation_number until = 0;
  {
    const std::lock_guard held(mutex_);
    until = invalidations_.generation();
  }
  const std::uint32_t end = records_.numbers_end();
  for (std::uint32_t number = 0; number < end; ++number) sweep(number);
  end_sweep(until);
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::end_sweep(generation_number until) {
  const std::lock_guard held(mutex_);
  invalidations_.swept(until);
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::sweep_later() {
  // Full or stopped: later calls do it.
  static_cast<void>(settings_.background->post([line = life_.tie()] {
    const auto owner = line.hold();
    if (!owner) return;
    if (owner->sweep_some(detail::limits::swept_by_a_task)) owner->sweep_later();
  }));
}

}  // namespace lodestar::cache
