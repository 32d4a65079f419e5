// The members of cache (cache.hpp) that remove entries on demand.
//
// They supersede what is being loaded twice: before, so that it does not come back, and after,
// since what they removed may have come from a load that began meanwhile, and who asks then must
// not join it.
#pragma once

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

template <class Key, class Value, class Hash, class Equal>
template <class K>
bool cache<Key, Value, Hash, Equal>::remove(const K& key) {
  const cleaning after_it(*this);
  decltype(auto) form = lookup_form(key);
  return remove_same(hash_of(form), form, nullptr);
}

template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::remove_if_equal(const Key& key, const Value& expected_value) {
  const cleaning after_it(*this);
  const std::uint64_t hash = hash_of(key);
  for (;;) {
    const detail::process_pin pinned;
    found there;
    if (!find(hash, key, there) || !holds(there.seen, expected_value)) return false;
    if (remove_same(hash, key, &there.seen)) return true;
  }
}

template <class Key, class Value, class Hash, class Equal>
template <class K>
bool cache<Key, Value, Hash, Equal>::remove_same(std::uint64_t hash, const K& key,
                                                 const reading* same) {
  removals gone(*this);
  const detail::process_pin pinned;
  found there;
  // Who loads the key may be about to store it.
  if (!supersede(hash, key) && !lookup(hash, key, there)) return false;
  for (bool swept = false; !swept;) {
    sweep_key(hash, key);
    const std::lock_guard held(mutex_);
    if (!lookup(hash, key, there)) return false;
    swept = !needs_sweep(*there.place);
    if (!swept) continue;
    if (!is_current(there.seen) && take_out_stale(there.number, gone)) return false;
    if (same != nullptr && !is_same(there.seen, *same)) return false;
    if (!take_out(there.number, removal_cause::explicit_, gone, matching(same))) return false;
  }
  supersede(hash, key);
  return true;
}

template <class Key, class Value, class Hash, class Equal>
template <class Condition>
std::size_t cache<Key, Value, Hash, Equal>::remove_if(Condition&& condition) {
  std::size_t count = 0;
  board_.supersede_all();
  const std::uint32_t end = records_.numbers_end();
  for (std::uint32_t number = 0; number < end; ++number) {
    const cleaning after_it(*this);
    removals gone(*this);
    const detail::process_pin pinned;
    reading seen;
    const auto& place = records_.at(number);
    if (!read_if_valid(number, seen)) continue;
    if (!contents::open(seen.content, condition)) continue;
    const std::lock_guard held(mutex_);
    if (place.is_still(seen) && take_out(number, removal_cause::explicit_, gone, matching(&seen)))
      ++count;
  }
  board_.supersede_all();
  return count;
}

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::clear() {
  std::size_t count = 0;
  // In this order: a load that fails in between finds itself superseded and keeps no error.
  board_.supersede_all();
  if (failures_) failures_->invalidate_all();
  if (invalidations_.active() != nullptr) sweep_everything();
  const std::uint32_t end = records_.numbers_end();
  for (std::uint32_t number = 0; number < end;) {
    const cleaning after_it(*this);
    removals gone(*this);
    const std::lock_guard held(mutex_);
    for (; number < end && !gone.full(); ++number) {
      if (!records_.at(number).alive() || take_out_stale(number, gone)) continue;
      take_out(number, removal_cause::explicit_, gone);
      ++count;
    }
  }
  board_.supersede_all();
  return count;
}

}  // namespace lodestar::cache
