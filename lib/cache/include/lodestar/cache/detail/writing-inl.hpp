// The members of cache (cache.hpp) that store values.
#pragma once

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

// ------------------------------------------------------------------------------------- calls

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::insert(const Key& key, Value value) {
  if (overwrites_ && overwrite(key, value)) return outcome::replaced;
  return store_new(key, std::move(value), expected::anything);
}

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::insert_if_absent(const Key& key, Value value) {
  if (contains(key)) return outcome::present;
  return store_new(key, std::move(value), expected::absent);
}

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::replace(const Key& key, Value value) {
  if (!contains(key)) return outcome::absent;
  return store_new(key, std::move(value), expected::present);
}

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::replace_if_equal(const Key& key,
                                                         const Value& expected_value, Value value) {
  const cleaning after_it(*this);
  const std::uint64_t hash = hash_of(key);
  incoming arriving(*this, hash, key, std::move(value));
  for (;;) {
    const detail::process_pin pinned;
    found there;
    if (!find(hash, key, there)) return outcome::absent;
    if (!holds(there.seen, expected_value)) return outcome::different;
    const outcome done = store_after(arriving, &there.seen);
    if (done != outcome::different) return done;
  }
}

template <class Key, class Value, class Hash, class Equal>
template <class Change>
outcome cache<Key, Value, Hash, Equal>::compute(const Key& key, Change&& change_value) {
  const cleaning after_it(*this);
  const std::uint64_t hash = hash_of(key);
  for (;;) {
    const detail::process_pin pinned;
    found there;
    const bool present = find(hash, key, there);
    std::optional<Value> changed;
    if (present) {
      contents::open(there.seen.content, [&](const Key&, const Value& value) {
        changed = change_value(std::addressof(value));
      });
    } else {
      changed = change_value(static_cast<const Value*>(nullptr));
    }
    if (!changed) {
      if (!present) return outcome::absent;
      if (remove_same(hash, key, &there.seen)) return outcome::removed;
      continue;
    }
    incoming arriving(*this, hash, key, *std::move(changed));
    const outcome done = store_after(arriving, present ? &there.seen : nullptr);
    if (done != outcome::different && done != outcome::present) return done;
  }
}

template <class Key, class Value, class Hash, class Equal>
template <class Combine>
outcome cache<Key, Value, Hash, Equal>::merge(const Key& key, const Value& value,
                                              Combine&& combine) {
  return compute(key, [&](const Value* present) {
    return std::optional<Value>(present == nullptr ? value : combine(*present, value));
  });
}

// ------------------------------------------------------------------------------------- the ways in

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::store_new(const Key& key, Value&& value, expected wanted) {
  const cleaning after_it(*this);
  const std::uint64_t hash = hash_of(key);
  incoming arriving(*this, hash, key, std::move(value));
  if (!has_hooks_) {
    set_times(arriving, nullptr);
    return store(arriving, wanted, nullptr);
  }
  // The time depends on what is there: it must still be there when the value is stored.
  for (;;) {
    const detail::process_pin pinned;
    found there;
    const bool present = find(hash, key, there);
    if (present && wanted == expected::absent) return outcome::present;
    if (!present && wanted == expected::present) return outcome::absent;
    const outcome done = store_after(arriving, present ? &there.seen : nullptr);
    if (done != outcome::different && done != outcome::present) return done;
  }
}

// Stores the value if what was read (null: nothing) is still there; else `different` or `present`.
template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::store_after(incoming& value, const reading* present) {
  set_times(value, present);
  return store(value, present == nullptr ? expected::absent : expected::same, present);
}

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::store(incoming& value, expected wanted,
                                              const reading* same) {
  if (value.loaded_by == nullptr) supersede(value.hash, value.key);
  if (wanted != expected::absent && !weighs_ && bound_ != 0) {
    if (store_in_place(value, wanted, same)) return outcome::replaced;
  }
  for (;;) {
    sweep_key(value.hash, value.key);
    removals gone(*this);
    const detail::process_pin pinned;
    const std::lock_guard held(mutex_);
    // In the order in which they happened, as far as this thread goes.
    if (auto* const mine = samples_.used_by(pinned.thread_index())) tell_policy(*mine);
    const auto done = try_store(value, wanted, same, gone);
    if (value.stored) counters_.add(insertions, pinned.thread_index());
    if (done) return *done;
  }
}

// The shortest way to replace the value of a living entry. False when there is none, or when it
// takes more than a few stores.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::overwrite(const Key& key, Value& value) {
  if constexpr (contents::boxed) {
    return false;
  } else {
    const detail::process_pin pinned;
    const auto generation = invalidations_.generation();
    found there;
    if (!find(hash_of(key), key, there) || failures_ || !board_.empty()) return false;
    ticks until = detail::ticks_never;
    ticks expires = detail::ticks_never;
    if (expires_) {
      const ticks present = now();
      until = after(settings_.time_to_live, present);
      expires = std::min(until, after(settings_.time_to_idle, present));
      if (expires < there.seen.expires) return false;
    }
    auto& place = *there.place;
    if (!place.try_lock(there.seen)) return false;
    if (!is_of_now(generation)) {
      place.unlock_unchanged(there.seen);
      return false;
    }
    place.set_value(contents::pack(key, std::move(value)), static_cast<std::uint8_t>(generation));
    if (expires_) place.set_expires(expires);
    if (keeps_deadline_ || refreshes_) note_write(there.number, until);
    place.unlock(there.seen);
    place.use(detail::uses_max);
    counters_.add(insertions, pinned.thread_index());
    return true;
  }
}

// Replaces the value of a living entry without the cache's lock. False when that takes more than a
// change of the record.
template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::store_in_place(incoming& value, expected wanted,
                                                    const reading* same) {
  removals gone(*this);
  const detail::process_pin pinned;
  const auto generation = invalidations_.generation();
  found there;
  if (value.loaded_by != nullptr || !find(value.hash, value.key, there)) return false;
  if (expires_ && value.expires < there.seen.expires) return false;
  auto& place = *there.place;
  if (!place.try_lock(there.seen)) return false;
  const words old = place.content();
  if (!is_of_now(generation) ||
      (wanted == expected::same && !detail::same_value(old, same->content))) {
    place.unlock_unchanged(there.seen);
    return false;
  }
  place.set_value(value.content, static_cast<std::uint8_t>(generation));
  note_write(there.number, value.deadline);
  if (expires_) place.set_expires(value.expires);
  place.unlock(there.seen);
  place.use(detail::uses_max);
  value.stored = true;
  counters_.add(insertions, pinned.thread_index());
  if (contents::boxed || settings_.listener) gone.add(old, removal_cause::replaced);
  return true;
}

// ------------------------------------------------------------------------------------- values

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::set_times(incoming& value, const reading* replaced) const {
  if (!expires_) return;
  const ticks present = now();
  value.deadline = after(settings_.time_to_live, present);
  value.expires = std::min(value.deadline, after(settings_.time_to_idle, present));
  if (!has_hooks_) return;
  const auto& hooks = settings_.expires;
  contents::open(value.content, [&](const Key& key, const Value& content) {
    if (replaced == nullptr) {
      if (hooks.after_create) value.expires = after(hooks.after_create(key, content), present);
    } else if (hooks.after_update) {
      const nanoseconds left = detail::duration_between(present, replaced->expires);
      value.expires = after(hooks.after_update(key, content, left), present);
    } else {
      value.expires = replaced->expires;
    }
  });
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::note_write(std::uint32_t number, ticks until,
                                                ticks age) noexcept {
  if (keeps_deadline_) set_deadline(number, until);
  if (refreshes_) {
    // May lie before the cache began, and wrap around; what is older than due is due.
    const ticks when = now() - std::min(age, refresh_ticks_);
    std::atomic_ref(records_.written(number)).store(when, std::memory_order_relaxed);
  }
}

template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::holds(const reading& seen, const Value& value) {
  return contents::open(seen.content, [&](const Key&, const Value& present) {
    return static_cast<bool>(present == value);
  });
}

template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::is_same(const reading& there, const reading& seen) {
  return there.version == seen.version && detail::same_value(there.content, seen.content);
}

}  // namespace lodestar::cache
