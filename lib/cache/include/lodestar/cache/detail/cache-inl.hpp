// The members of cache (cache.hpp).
#pragma once

#include <limits>
#include <memory>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

template <class Key, class Value>
std::optional<error> find_mistake(const options<Key, Value>& settings) {
  const auto mistake = [](std::string message, std::string place, std::string hint) {
    return error{error_code::invalid_argument, std::move(message), std::move(place),
                 std::move(hint)};
  };
  if ((settings.entries_max == unbounded) == (settings.weight_max == unbounded)) {
    return mistake("a cache has exactly one bound", "entries_max, weight_max",
                   "set entries_max, or weight_max together with a weigher");
  }
  if ((settings.weight_max == unbounded) != !settings.weigher) {
    return mistake("weight_max and weigher belong together", "weigher",
                   "set both, or entries_max instead");
  }
  if (settings.time_to_live < nanoseconds::zero()) {
    return mistake("a time to live is not negative", "time_to_live", "leave it out for ever");
  }
  if (settings.time_to_idle <= nanoseconds::zero()) {
    return mistake("a time to idle is more than nothing", "time_to_idle", "leave it out for ever");
  }
  if (settings.entries_max != unbounded && settings.entries_max > detail::entries_limit) {
    return mistake("a cache holds at most 16,777,214 entries", "entries_max",
                   "use several caches, or weight_max");
  }
  if (settings.weight_max != unbounded && settings.weight_max > detail::weight_limit) {
    return mistake("the heaviest bound is half of what a size_t holds", "weight_max",
                   "weigh in a larger unit");
  }
  if (settings.failure_time_to_live < nanoseconds::zero()) {
    return mistake("a time for which errors are kept is not negative", "failure_time_to_live",
                   "leave it out to keep none");
  }
  if (settings.failure_time_to_live > nanoseconds::zero() &&
      settings.failures_max > detail::entries_limit) {
    return mistake("a cache keeps at most 16,777,214 errors", "failures_max",
                   "leave it out for 1,000");
  }
  if (settings.refresh_after != never && settings.background == nullptr) {
    return mistake("refreshing needs somewhere to run", "refresh_after, background",
                   "give an executor as background, or leave refresh_after out");
  }
  if (settings.refresh_after <= nanoseconds::zero()) {
    return mistake("a time after which entries are refreshed is more than nothing", "refresh_after",
                   "leave it out for never");
  }
  if (settings.time == nullptr || settings.random == nullptr) {
    return mistake("a clock and a source of randomness are needed", "time, random",
                   "leave them out for those of the system");
  }
  return std::nullopt;
}

// ------------------------------------------------------------------------------------- values

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::incoming {
 public:
  incoming(const cache& owner, std::uint64_t hash_of_key, const Key& of, Value&& value)
      : key(of),
        hash(hash_of_key),
        weight(owner.settings_.weigher ? owner.settings_.weigher(of, value) : 1),
        content(contents::pack(of, std::move(value))) {}
  ~incoming() {
    if constexpr (contents::boxed) {
      if (!stored) delete contents::box_of(content);
    }
  }
  incoming(const incoming&) = delete;
  incoming& operator=(const incoming&) = delete;

  const Key& key;
  const std::uint64_t hash;
  const std::size_t weight;
  const words content;
  ticks expires = detail::ticks_never;
  ticks deadline = detail::ticks_never;
  const flight* loaded_by = nullptr;
  bool stored = false;
};

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::removals {
 public:
  explicit removals(cache& owner) noexcept : owner_(owner) {}
  ~removals() {
    for (std::size_t index = 0; index < count_; ++index) {
      const removal& each = items_[index];
      if (owner_.settings_.listener) {
        contents::open(each.content, [&](const Key& key, const Value& value) {
          owner_.settings_.listener(key, value, each.cause);
        });
      }
      owner_.retire(each.content);
    }
  }
  removals(const removals&) = delete;
  removals& operator=(const removals&) = delete;

  [[nodiscard]] bool full() const noexcept { return count_ == items_.size(); }
  void add(const words& content, removal_cause cause) noexcept {
    LODESTAR_ASSERT(!full(), "whoever removes looks for space first");
    items_[count_++] = {content, cause};
  }

 private:
  struct removal {
    words content;
    removal_cause cause;
  };
  cache& owner_;
  std::size_t count_ = 0;
  std::array<removal, detail::limits::removals_max> items_;
};

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::cleaning {
 public:
  explicit cleaning(const cache& owner) noexcept : owner_(owner) {}
  ~cleaning() {
    if (!owner_.settings_.destroys_in_maintain) owner_.destroy_retired(detail::limits::retired_max);
  }
  cleaning(const cleaning&) = delete;
  cleaning& operator=(const cleaning&) = delete;

 private:
  const cache& owner_;
};

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::policy_view {
 public:
  explicit policy_view(const cache& owner) noexcept : owner_(&owner) {}
  [[nodiscard]] std::uint32_t newer(std::uint32_t number) const noexcept {
    return owner_->records_.policy_links(number).newer;
  }
  [[nodiscard]] std::uint32_t older(std::uint32_t number) const noexcept {
    return owner_->records_.policy_links(number).older;
  }
  void set_newer(std::uint32_t number, std::uint32_t newer) const noexcept {
    owner_->records_.policy_links(number).newer = newer;
  }
  void set_older(std::uint32_t number, std::uint32_t older) const noexcept {
    owner_->records_.policy_links(number).older = older;
  }
  [[nodiscard]] std::uint8_t region(std::uint32_t number) const noexcept {
    return owner_->records_.at(number).region();
  }
  void set_region(std::uint32_t number, std::uint8_t region) const noexcept {
    owner_->records_.at(number).set_region(region);
  }
  [[nodiscard]] std::uint8_t uses(std::uint32_t number) const noexcept {
    return owner_->records_.at(number).uses();
  }
  void set_uses(std::uint32_t number, std::uint8_t uses) const noexcept {
    owner_->records_.at(number).set_uses(uses);
  }
  [[nodiscard]] std::uint64_t hash(std::uint32_t number) const {
    return owner_->hash_of_record(number);
  }
  [[nodiscard]] std::uint64_t weight(std::uint32_t number) const noexcept {
    return owner_->weight_of(number);
  }

 private:
  const cache* owner_;
};

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
      refresh_ticks_(static_cast<ticks>(settings_.refresh_after.count() / 1000)),
      mix_(*settings_.random),
      began_(settings_.time->now()),
      records_(columns_for(settings_), records_for(settings_)),
      index_(weighs_ ? 0 : settings_.entries_max),
      counters_(settings_.statistics),
      bound_(weighs_ ? settings_.weight_max : settings_.entries_max),
      policy_(policy_view(*this), std::max<std::size_t>(bound_, 1), settings_.random->next()) {
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
      if (each.alive()) delete contents::box_of(each.content());
    }
  }
}

// ------------------------------------------------------------------------------------- reading

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
[[gnu::always_inline]] inline bool cache<Key, Value, Hash, Equal>::lookup(std::uint64_t hash,
                                                                          const K& key,
                                                                          found& into) const {
  using detail::candidate;
  const auto is_it = [&](std::uint32_t number) __attribute__((always_inline)) {
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
template <class K>
[[gnu::always_inline]] inline bool cache<Key, Value, Hash, Equal>::find(std::uint64_t hash,
                                                                        const K& key,
                                                                        found& into) const {
  return lookup(hash, key, into) && is_current(into.seen);
}

template <class Key, class Value, class Hash, class Equal>
template <class K>
[[gnu::always_inline]] inline bool cache<Key, Value, Hash, Equal>::find_for_use(
    const detail::process_pin& pinned, std::uint64_t hash, const K& key, found& into) {
  if (!find(hash, key, into)) {
    counters_.add(misses, pinned.thread_index());
    return false;
  }
  counters_.add(hits, pinned.thread_index());
  into.place->use(detail::uses_max);
  if (policy_.samples(hash)) [[unlikely]]
    sample(pinned.thread_index(), hash);
  if (varies_) [[unlikely]]
    extend(into);
  return true;
}

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
template <class Visit>
void cache<Key, Value, Hash, Equal>::for_each(Visit&& visit) const {
  const std::uint32_t end = records_.numbers_end();
  for (std::uint32_t number = 0; number < end; ++number) {
    const detail::process_pin pinned;
    reading seen;
    if (records_.at(number).read(seen, expires_) && is_current(seen))
      contents::open(seen.content, visit);
  }
}

// ------------------------------------------------------------------------------------- time

template <class Key, class Value, class Hash, class Equal>
detail::ticks cache<Key, Value, Hash, Equal>::now() const noexcept {
  return static_cast<ticks>((settings_.time->now() - began_).count()) / 1000;
}

template <class Key, class Value, class Hash, class Equal>
detail::ticks cache<Key, Value, Hash, Equal>::after(nanoseconds delay) const noexcept {
  if (delay == never) return detail::ticks_never;
  const ticks begin = now();
  if (delay <= nanoseconds::zero()) return begin;
  const auto delay_ticks = static_cast<ticks>(delay.count() / 1000 + 1);
  return std::min(begin + delay_ticks, detail::ticks_never - 1);
}

// A read moves the time only when that makes a difference, so that readers of one entry do not
// take its line from each other.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::extend(const found& used) {
  const ticks present = now();
  const auto& hook = settings_.expires.after_read;
  ticks wanted = detail::ticks_never;
  ticks tolerance = 0;
  if (hook) {
    const nanoseconds left = detail::duration_between(present, used.seen.expires);
    wanted = contents::open(used.seen.content, [&](const Key& key, const Value& value) {
      return after(hook(key, value, left));
    });
  } else {
    wanted = after(settings_.time_to_idle);
    tolerance = detail::idle_tolerance(settings_.time_to_idle);
  }
  if (wanted >= used.seen.expires && wanted - used.seen.expires <= tolerance) return;
  if (wanted < used.seen.expires) {
    // The wheel must hear of it.
    const std::lock_guard held(mutex_);
    if (set_time_of(used, wanted)) schedule(used.number, wanted);
  } else {
    set_time_of(used, wanted);
  }
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

// ------------------------------------------------------------------------------------- writing

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

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::set_times(incoming& value, const reading* present) const {
  if (!expires_) return;
  value.deadline = after(settings_.time_to_live);
  value.expires = std::min(value.deadline, after(settings_.time_to_idle));
  if (!has_hooks_) return;
  const auto& hooks = settings_.expires;
  contents::open(value.content, [&](const Key& key, const Value& content) {
    if (present == nullptr) {
      if (hooks.after_create) value.expires = after(hooks.after_create(key, content));
    } else if (hooks.after_update) {
      const nanoseconds left = detail::duration_between(now(), present->expires);
      value.expires = after(hooks.after_update(key, content, left));
    } else {
      value.expires = present->expires;
    }
  });
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
bool cache<Key, Value, Hash, Equal>::holds(const reading& seen, const Value& value) {
  return contents::open(seen.content, [&](const Key&, const Value& present) {
    return static_cast<bool>(present == value);
  });
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
    found there;
    if (!find(hash_of(key), key, there) || failures_ || !board_.empty()) return false;
    ticks until = detail::ticks_never;
    ticks expires = detail::ticks_never;
    if (expires_) {
      until = after(settings_.time_to_live);
      expires = std::min(until, after(settings_.time_to_idle));
      if (expires < there.seen.expires) return false;
    }
    auto& place = *there.place;
    if (!place.try_lock(there.seen)) return false;
    place.set_value(contents::pack(key, std::move(value)));
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
  found there;
  if (value.loaded_by != nullptr || !find(value.hash, value.key, there)) return false;
  if (expires_ && value.expires < there.seen.expires) return false;
  auto& place = *there.place;
  if (!place.try_lock(there.seen)) return false;
  const words old = place.content();
  if (wanted == expected::same && !detail::same_value(old, same->content)) {
    place.unlock_unchanged(there.seen);
    return false;
  }
  place.set_value(value.content);
  note_write(there.number, value.deadline);
  if (expires_) place.set_expires(value.expires);
  place.unlock(there.seen);
  place.use(detail::uses_max);
  value.stored = true;
  counters_.add(insertions, pinned.thread_index());
  if (contents::boxed || settings_.listener) gone.add(old, removal_cause::replaced);
  return true;
}

template <class Key, class Value, class Hash, class Equal>
std::optional<outcome> cache<Key, Value, Hash, Equal>::try_store(incoming& value, expected wanted,
                                                                 const reading* same,
                                                                 removals& gone) {
  found there;
  bool present = lookup(value.hash, value.key, there);
  if (present && !is_current(there.seen)) {
    if (!take_out_expired(there.number, gone)) return std::nullopt;  // somebody renewed it
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
  records_.at(number).bear(value.content, value.expires);
  if constexpr (hash_is_kept) records_.hash(number) = value.hash;
  if (weighs_) records_.weight(number) = value.weight;
  note_write(number, value.deadline);
  if (expires_) records_.timer_previous(number) = detail::no_number;
  bool entered = false;
  try {
    enter(number);
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
  const auto old = place.exchange_if(value.content, value.expires, matching(same));
  if (!old) return false;
  gone.add(*old, removal_cause::replaced);
  place.use(detail::uses_max);
  note_write(number, value.deadline);
  if (expires_) schedule(number, value.expires);
  if (weighs_) reweigh(number, value.weight);
  return true;
}

// ------------------------------------------------------------------------------------- removing

template <class Key, class Value, class Hash, class Equal>
template <class K>
bool cache<Key, Value, Hash, Equal>::remove(const K& key) {
  const cleaning after_it(*this);
  decltype(auto) form = lookup_form(key);
  return remove_same(hash_of(form), form, nullptr);
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
  {
    const std::lock_guard held(mutex_);
    if (!lookup(hash, key, there)) return false;
    if (!is_current(there.seen) && take_out_expired(there.number, gone)) return false;
    if (same != nullptr && !is_same(there.seen, *same)) return false;
    if (!take_out(there.number, removal_cause::explicit_, gone, matching(same))) return false;
  }
  // What was taken out may come from a load that began meanwhile and that others still join.
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
    if (!place.read(seen, expires_) || !is_current(seen)) continue;
    if (!contents::open(seen.content, condition)) continue;
    const std::lock_guard held(mutex_);
    if (place.is_still(seen) && take_out(number, removal_cause::explicit_, gone, matching(&seen)))
      ++count;
  }
  return count;
}

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::clear() {
  std::size_t count = 0;
  if (failures_) static_cast<void>(failures_->clear());
  board_.supersede_all();
  const std::uint32_t end = records_.numbers_end();
  for (std::uint32_t number = 0; number < end;) {
    const cleaning after_it(*this);
    removals gone(*this);
    const std::lock_guard held(mutex_);
    for (; number < end && !gone.full(); ++number) {
      if (!records_.at(number).alive() || (expires_ && take_out_expired(number, gone))) continue;
      take_out(number, removal_cause::explicit_, gone);
      ++count;
    }
  }
  return count;
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
  if (cause == removal_cause::expired) ++expirations_;
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

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::evict(removals& gone) {
  const std::uint32_t number = policy_.evict();
  LODESTAR_ASSERT(number != detail::no_number, "whatever has a weight can be evicted");
  const std::uint64_t hash = hash_of_record(number);
  const bool expired = expires_ && records_.at(number).expires() <= now();
  ++(expired ? expirations_ : evictions_);
  gone.add(*records_.at(number).bury_if(always),
           expired ? removal_cause::expired : removal_cause::size);
  weight_.store(weight_ - weight_of(number), std::memory_order_relaxed);
  strike(number, hash);
}

template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::take_out_expired(std::uint32_t number, removals& gone) {
  return take_out(number, removal_cause::expired, gone,
                  [present = now()](const words&, ticks expires) { return expires <= present; });
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::take_expired(removals& gone) {
  const ticks present = now();
  while (!gone.full()) {
    const auto number = wheel_.take_due(present);
    if (!number) return;
    records_.timer_previous(*number) = detail::no_number;
    // Somebody may have renewed it since the wheel looked.
    if (!take_out_expired(*number, gone)) schedule(*number, records_.at(*number).expires());
  }
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
void cache<Key, Value, Hash, Equal>::maintain() {
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
}

// ------------------------------------------------------------------------------------- the parts

template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::is_same(const reading& there, const reading& seen) {
  return there.version == seen.version && detail::same_value(there.content, seen.content);
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

// To those who may be evicted, or who are pinned.
template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::enter(std::uint32_t number) {
  const std::size_t weight = weight_of(number);
  if (weight == 0) {
    ++pinned_;
  } else {
    policy_.insert(number);
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
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::note_write(std::uint32_t number, ticks until) noexcept {
  if (keeps_deadline_) set_deadline(number, until);
  if (refreshes_) {
    std::atomic_ref(records_.written(number)).store(now(), std::memory_order_relaxed);
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::retire(const words& content) {
  if constexpr (contents::boxed) limbo_.add(contents::box_of(content));
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::destroy_retired(std::size_t enough) const {
  if constexpr (contents::boxed) static_cast<void>(limbo_.collect(enough));
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::free_outgrown() {
  std::erase_if(outgrown_, [](const outgrown& each) {
    return detail::process_epochs.value.passed(each.period);
  });
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
                      counters_.memory_bytes() + samples_.memory_bytes() + policy_.memory_bytes();
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
