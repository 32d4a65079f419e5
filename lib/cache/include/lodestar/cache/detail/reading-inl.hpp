// The members of cache (cache.hpp) that read. None takes the lock, except to shorten a time.
#pragma once

#include <lodestar/base/inline.hpp>
#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

// ------------------------------------------------------------------------------------- looking up

template <class Key, class Value, class Hash, class Equal>
template <class K>
decltype(auto) cache<Key, Value, Hash, Equal>::lookup_form(const K& key) {
  if constexpr (std::is_same_v<K, Key> || detail::looks_up<K, Hash, Equal>) {
    return (key);
  } else {
    return Key(key);
  }
}

template <class Key, class Value, class Hash, class Equal>
template <class K>
LODESTAR_ALWAYS_INLINE inline bool cache<Key, Value, Hash, Equal>::lookup(std::uint64_t hash,
                                                                          const K& key,
                                                                          found& into) const {
  using detail::candidate;
  const auto is_it = [&](std::uint32_t number) LODESTAR_ALWAYS_INLINE {
    // It may be mixed from two.
    if (number >= records_.numbers_end()) [[unlikely]]
      return candidate::unclear;
    into.place = &records_.at(number);
    const auto seen = into.place->read_at_once(into.seen, expires_);
    if (seen == record::sight::unclear) return candidate::unclear;
    const bool right = seen == record::sight::alive &&
                       contents::open(into.seen.content, [&](const Key& other, const Value&) {
                         return static_cast<bool>(equal_(other, key));
                       });
    return right ? candidate::right : candidate::wrong;
  };
  into.number = index_.find_at_once(hash, is_it);
  if (into.number == detail::unclear_number) [[unlikely]] {
    const auto there = lookup_patiently(hash, key);
    if (!there) return false;
    into = *there;
  }
  return into.number != detail::no_number;
}

template <class Key, class Value, class Hash, class Equal>
template <class K>
auto cache<Key, Value, Hash, Equal>::lookup_patiently(std::uint64_t hash, const K& key) const
    -> std::optional<found> {
  found there;
  there.number = index_.find(hash, [&](std::uint32_t number) {
    there.place = &records_.at(number);
    return there.place->read(there.seen, expires_) &&
           contents::open(there.seen.content, [&](const Key& other, const Value&) {
             return static_cast<bool>(equal_(other, key));
           });
  });
  return there.number == detail::no_number ? std::nullopt : std::optional(there);
}

template <class Key, class Value, class Hash, class Equal>
template <typename cache<Key, Value, Hash, Equal>::expired Counts, class K>
LODESTAR_ALWAYS_INLINE inline bool cache<Key, Value, Hash, Equal>::find(std::uint64_t hash,
                                                                        const K& key,
                                                                        found& into) const {
  // Before the entry is looked up: it may be removed and the invalidation forgotten meanwhile.
  const bool in_doubt = invalidations_.active() != nullptr;
  if (!lookup(hash, key, into)) return false;
  if (Counts == expired::present ? is_collected(into.seen.content) : !is_current(into.seen))
    return false;
  if (in_doubt) [[unlikely]] {
    const auto valid = find_valid(hash, key);
    if (!valid) return false;
    into = *valid;
  }
  return true;
}

template <class Key, class Value, class Hash, class Equal>
template <typename cache<Key, Value, Hash, Equal>::expired Counts, class K>
LODESTAR_ALWAYS_INLINE inline bool cache<Key, Value, Hash, Equal>::find_for_use(
    const detail::process_pin& pinned, std::uint64_t hash, const K& key, found& into) {
  if (!find<Counts>(hash, key, into)) {
    counters_.add(misses, pinned.thread_index());
    return false;
  }
  counters_.add(hits, pinned.thread_index());
  into.place->use(detail::uses_max);
  if (sampled_.samples(hash)) [[unlikely]]
    sample(pinned.thread_index(), hash);
  if (varies_) [[unlikely]]
    extend(into);
  return true;
}

// ------------------------------------------------------------------------------------- using

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::sample(std::uint32_t thread_index, std::uint64_t hash) {
  detail::sample_buffer* const mine = samples_.of(thread_index);
  if (mine == nullptr) return;
  mine->hashes[mine->count++] = hash;
  if (mine->count < mine->hashes.size()) return;
  // When somebody else is at it, this lot is lost: it is a sample.
  const std::unique_lock held(mutex_, std::try_to_lock);
  if (held) tell_policy(*mine);
  mine->count = 0;
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::tell_policy(detail::sample_buffer& hits_of_a_thread) {
  for (std::uint32_t index = 0; index < hits_of_a_thread.count; ++index)
    policy_.record_hit(hits_of_a_thread.hashes[index]);
  hits_of_a_thread.count = 0;
}

// A read moves the time only when that makes a difference, so that readers of one entry do not
// take its line from each other.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::extend(found used) {
  const auto wanted = settings_.expires.after_read ? time_after_read(used) : time_after_use(used);
  if (!wanted) return;
  if (*wanted < used.seen.expires) {
    // The wheel must hear of it.
    {
      const std::lock_guard held(mutex_);
      if (set_time_of(used, *wanted)) schedule(used.number, *wanted);
    }
    set_alarm();
  } else {
    set_time_of(used, *wanted);
  }
}

// Nothing when it stays as it is.
template <class Key, class Value, class Hash, class Equal>
auto cache<Key, Value, Hash, Equal>::time_after_read(const found& used) const
    -> std::optional<ticks> {
  const ticks present = now();
  const nanoseconds left = detail::duration_between(present, used.seen.expires);
  const ticks wanted = contents::open(used.seen.content, [&](const Key& key, const Value& value) {
    return after(settings_.expires.after_read(key, value, left), present);
  });
  return wanted == used.seen.expires ? std::nullopt : std::optional(wanted);
}

// Nothing when it stays as it is.
template <class Key, class Value, class Hash, class Equal>
auto cache<Key, Value, Hash, Equal>::time_after_use(const found& used) const
    -> std::optional<ticks> {
  const ticks tolerance = detail::idle_tolerance(settings_.time_to_idle);
  const ticks last = keeps_deadline_ ? deadline(used.number) : detail::ticks_never;
  const auto idle_since = [&](ticks from) {
    return std::min(after(settings_.time_to_idle, from), last);
  };
  const auto is_near = [&](ticks wanted) {
    return wanted >= used.seen.expires && wanted - used.seen.expires <= tolerance;
  };
  if (tolerance >= detail::idle_guess_min && is_near(idle_since(recent()))) return std::nullopt;
  const ticks wanted = idle_since(now());
  return is_near(wanted) ? std::nullopt : std::optional(wanted);
}

// False when the value or the time is not what was read, or somebody is writing: who changes one of
// them sets the time, too.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::set_time_of(const found& used, ticks wanted) {
  record& place = *used.place;
  if (!place.try_lock(used.seen)) return false;
  const bool same = place.expires() == used.seen.expires &&
                    detail::same_value(place.content(), used.seen.content);
  if (same) place.set_expires(keeps_deadline_ ? std::min(wanted, deadline(used.number)) : wanted);
  place.unlock_unchanged(used.seen);
  return same;
}

// ------------------------------------------------------------------------------------- calls

template <class Key, class Value, class Hash, class Equal>
template <class K>
std::optional<Value> cache<Key, Value, Hash, Equal>::get(const K& key) {
  const detail::process_pin pinned;
  decltype(auto) form = lookup_form(key);
  found there;
  if (!find_for_use(pinned, hash_of(form), form, there)) return std::nullopt;
  return contents::open(there.seen.content,
                        [](const Key&, const Value& value) { return std::optional<Value>(value); });
}

template <class Key, class Value, class Hash, class Equal>
template <class K>
std::optional<Value> cache<Key, Value, Hash, Equal>::peek(const K& key) const {
  const detail::process_pin pinned;
  decltype(auto) form = lookup_form(key);
  found there;
  if (!find(hash_of(form), form, there)) return std::nullopt;
  return contents::open(there.seen.content,
                        [](const Key&, const Value& value) { return std::optional<Value>(value); });
}

template <class Key, class Value, class Hash, class Equal>
template <class K>
bool cache<Key, Value, Hash, Equal>::contains(const K& key) const {
  const detail::process_pin pinned;
  decltype(auto) form = lookup_form(key);
  found there;
  return find(hash_of(form), form, there);
}

template <class Key, class Value, class Hash, class Equal>
template <class Read, class K>
bool cache<Key, Value, Hash, Equal>::with(const K& key, Read&& read) {
  const detail::process_pin pinned;
  decltype(auto) form = lookup_form(key);
  found there;
  if (!find_for_use(pinned, hash_of(form), form, there)) return false;
  contents::open(there.seen.content,
                 [&](const Key&, const Value& value) { std::forward<Read>(read)(value); });
  return true;
}

template <class Key, class Value, class Hash, class Equal>
template <class Present, class Absent, class K>
std::invoke_result_t<Absent> cache<Key, Value, Hash, Equal>::visit_even_expired(const K& key,
                                                                                Present&& present,
                                                                                Absent&& absent) {
  const detail::process_pin pinned;
  decltype(auto) form = lookup_form(key);
  found there;
  if (!find_for_use<expired::present>(pinned, hash_of(form), form, there))
    return std::forward<Absent>(absent)();
  return contents::open(there.seen.content, [&](const Key&, const Value& value) {
    return std::forward<Present>(present)(value);
  });
}

template <class Key, class Value, class Hash, class Equal>
template <class Visit>
void cache<Key, Value, Hash, Equal>::for_each(Visit&& visit) const {
  const std::uint32_t end = records_.numbers_end();
  for (std::uint32_t number = 0; number < end; ++number) {
    const detail::process_pin pinned;
    reading seen;
    if (read_if_valid(number, seen)) contents::open(seen.content, visit);
  }
}

}  // namespace lodestar::cache
