// A bounded in-memory cache.
//
//   lodestar::cache::cache<std::string, std::string> pages({.entries_max = 10'000});
//   pages.insert("/", "<h1>hello</h1>");
//   if (auto page = pages.get("/")) use(*page);
//
// The bound is a number of entries, or a total weight (bytes, say) with a function that weighs each
// entry. It is exact: no call returns while the cache holds more. An entry heavier than the whole
// bound is refused and the caller is told. A weight of 0 pins an entry: it costs nothing and only
// an explicit call removes it.
//
// Thread-safety: all members may be called from any thread. Functions that are given to with(),
// compute(), remove_if() and for_each(), the weigher, and the hash and comparison of keys run while
// the cache is locked: they must be short and must not call into the same cache. The listener and
// the destructors of removed keys and values, and of refused ones, run without a lock and may. The
// listener runs on the thread that caused the removal, after it took effect; when several threads
// change one key at the same time, their notifications may arrive in any order.
//
// Lifetimes: get() copies the value (store a shared_ptr when that is dear). The cache must outlive
// all calls into it. Exceptions of a caller's function pass through and leave the entries as they
// were; the listener must not throw. Destroying the cache notifies nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/cache/detail/lru_list.hpp>

namespace lodestar::cache {

inline constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

/// Why an entry left the cache.
enum class removal_cause : std::uint8_t {
  explicit_,  ///< remove(), remove_if(), clear(), or a compute() that returned nothing.
  replaced,   ///< Another value took its place, or was refused as too heavy in doing so.
  size,       ///< Evicted to keep the bound.
};

/// What a call that writes did.
enum class outcome : std::uint8_t {
  inserted,   ///< The key was absent and has the value now.
  replaced,   ///< The key was present and has the new value now.
  removed,    ///< compute() returned nothing for a present key.
  present,    ///< insert_if_absent() found the key and changed nothing.
  absent,     ///< replace() or compute() found no key and changed nothing.
  too_heavy,  ///< Refused: the value weighs more than weight_max. An older value of the key was
              ///< removed.
};

template <class Key, class Value>
struct options {
  /// Exactly one of the two bounds must be set.
  std::size_t entries_max = unbounded;
  std::size_t weight_max = unbounded;
  /// Required with weight_max. The weight is taken once, when the value is stored.
  std::function<std::size_t(const Key&, const Value&)> weigher = nullptr;
  std::function<void(const Key&, const Value&, removal_cause)> listener = nullptr;
};

struct statistics {
  std::uint64_t hits = 0, misses = 0, insertions = 0, evictions = 0, refusals = 0;
  std::size_t entries = 0, weight = 0;
};

template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
class cache {
 public:
  using options_type = options<Key, Value>;

  explicit cache(options_type settings);
  ~cache() = default;
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  /// A copy of the value; counts as a use.
  [[nodiscard]] std::optional<Value> get(const Key& key);
  /// A copy of the value; neither counted nor a use for the eviction policy.
  [[nodiscard]] std::optional<Value> peek(const Key& key) const;
  /// Calls read(const Value&) when the key is present, without a copy; false when it is absent.
  template <class Read>
  bool with(const Key& key, Read&& read);

  outcome insert(const Key& key, Value value);
  outcome insert_if_absent(const Key& key, Value value);
  outcome replace(const Key& key, Value value);
  /// Calls change_value(const Value* present) → std::optional<Value> once, null when the key is
  /// absent, and stores what it returns (nothing = remove), all in one step for every other caller.
  template <class Change>
  outcome compute(const Key& key, Change&& change_value);

  bool remove(const Key& key);
  /// Removes the entries for which condition(const Key&, const Value&) holds; returns how many.
  template <class Condition>
  std::size_t remove_if(Condition&& condition);
  /// Removes everything; returns how many.
  std::size_t clear();

  /// Calls visit(const Key&, const Value&) for every entry, in no order.
  template <class Visit>
  void for_each(Visit&& visit) const;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t weight() const;
  [[nodiscard]] statistics stats() const;

  /// Checks every invariant of the inside and ends the process when one is broken. For tests; cost:
  /// every entry.
  void validate() const;

 private:
  struct node : detail::lru_links {
    node(Value content, std::size_t heaviness) : value(std::move(content)), weight(heaviness) {}
    Value value;
    std::size_t weight;
    const Key* key = nullptr;
  };
  using table = std::unordered_map<Key, node, Hash, Equal>;
  struct removal {
    typename table::node_type taken;
    removal_cause cause;
  };
  // What a call removed. It outlives the lock, so that destructors and the listener run without it.
  using removals = std::vector<removal>;

  [[nodiscard]] std::size_t weigh(const Key& key, const Value& value) const;
  /// Runs step(removals&) under the lock, then tells the listener what is gone; what the step
  /// leaves behind is destroyed without the lock, too.
  template <class Step>
  auto change(Step&& step);
  /// A value that is refused stays with the caller.
  outcome store(const Key& key, Value&& value, removals& gone);
  void link(node& added) noexcept;
  void unlink(node& removed) noexcept;
  void take(typename table::iterator position, removal_cause cause, removals& gone);
  void make_room(std::size_t weight, removals& gone);
  void notify(removals& gone) const;

  const options_type settings_;
  const std::size_t bound_;
  mutable std::mutex mutex_;
  table entries_;
  detail::lru_list order_;  // every entry but the pinned ones
  std::size_t weight_ = 0;  // never above bound_
  std::size_t pinned_ = 0;
  std::uint64_t hits_ = 0, misses_ = 0, insertions_ = 0, evictions_ = 0, refusals_ = 0;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Key, class Value, class Hash, class Equal>
cache<Key, Value, Hash, Equal>::cache(options_type settings)
    : settings_(std::move(settings)),
      bound_(settings_.weigher ? settings_.weight_max : settings_.entries_max) {
  LODESTAR_ASSERT((settings_.entries_max == unbounded) != (settings_.weight_max == unbounded),
                  "exactly one of entries_max and weight_max bounds a cache");
  LODESTAR_ASSERT((settings_.weight_max == unbounded) == !settings_.weigher,
                  "weight_max and weigher belong together");
}

template <class Key, class Value, class Hash, class Equal>
std::optional<Value> cache<Key, Value, Hash, Equal>::get(const Key& key) {
  std::optional<Value> copy;
  with(key, [&copy](const Value& value) { copy.emplace(value); });
  return copy;
}

template <class Key, class Value, class Hash, class Equal>
std::optional<Value> cache<Key, Value, Hash, Equal>::peek(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second.value;
}

template <class Key, class Value, class Hash, class Equal>
template <class Read>
bool cache<Key, Value, Hash, Equal>::with(const Key& key, Read&& read) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    ++misses_;
    return false;
  }
  ++hits_;
  if (found->second.linked()) order_.touch(found->second);
  std::forward<Read>(read)(std::as_const(found->second.value));
  return true;
}

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::insert(const Key& key, Value value) {
  return change([&](removals& gone) { return store(key, std::move(value), gone); });
}

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::insert_if_absent(const Key& key, Value value) {
  return change([&](removals& gone) {
    return entries_.contains(key) ? outcome::present : store(key, std::move(value), gone);
  });
}

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::replace(const Key& key, Value value) {
  return change([&](removals& gone) {
    return entries_.contains(key) ? store(key, std::move(value), gone) : outcome::absent;
  });
}

template <class Key, class Value, class Hash, class Equal>
template <class Change>
outcome cache<Key, Value, Hash, Equal>::compute(const Key& key, Change&& change_value) {
  std::optional<Value> changed;
  return change([&](removals& gone) {
    const auto found = entries_.find(key);
    const Value* present = found == entries_.end() ? nullptr : &found->second.value;
    changed = std::forward<Change>(change_value)(present);
    if (changed) return store(key, *std::move(changed), gone);
    if (present == nullptr) return outcome::absent;
    take(found, removal_cause::explicit_, gone);
    return outcome::removed;
  });
}

template <class Key, class Value, class Hash, class Equal>
bool cache<Key, Value, Hash, Equal>::remove(const Key& key) {
  return change([&](removals& gone) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return false;
    take(found, removal_cause::explicit_, gone);
    return true;
  });
}

template <class Key, class Value, class Hash, class Equal>
template <class Condition>
std::size_t cache<Key, Value, Hash, Equal>::remove_if(Condition&& condition) {
  return change([&](removals& gone) {
    // Asks about all of them first, so that a condition that throws has removed nothing.
    std::vector<typename table::iterator> chosen;
    for (auto position = entries_.begin(); position != entries_.end(); ++position) {
      if (condition(position->first, std::as_const(position->second.value)))
        chosen.push_back(position);
    }
    for (const auto& position : chosen) take(position, removal_cause::explicit_, gone);
    return chosen.size();
  });
}

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::clear() {
  return remove_if([](const Key&, const Value&) { return true; });
}

template <class Key, class Value, class Hash, class Equal>
template <class Visit>
void cache<Key, Value, Hash, Equal>::for_each(Visit&& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : entries_) visit(key, entry.value);
}

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::weight() const {
  const std::lock_guard lock(mutex_);
  return weight_;
}

template <class Key, class Value, class Hash, class Equal>
statistics cache<Key, Value, Hash, Equal>::stats() const {
  const std::lock_guard lock(mutex_);
  return {.hits = hits_,
          .misses = misses_,
          .insertions = insertions_,
          .evictions = evictions_,
          .refusals = refusals_,
          .entries = entries_.size(),
          .weight = weight_};
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::validate() const {
  const std::lock_guard lock(mutex_);
  std::size_t weight = 0;
  std::size_t pinned = 0;
  for (const auto& [key, entry] : entries_) {
    weight += entry.weight;
    if (entry.weight == 0) ++pinned;
    LODESTAR_ASSERT(entry.linked() == (entry.weight != 0),
                    "exactly the pinned entries are unlisted");
    LODESTAR_ASSERT(entry.key == &key, "a node knows its key");
  }
  LODESTAR_ASSERT(weight == weight_, "the total is the sum of the weights");
  LODESTAR_ASSERT(weight_ <= bound_, "the bound holds");
  LODESTAR_ASSERT(pinned == pinned_, "pinned entries are counted");
  LODESTAR_ASSERT(order_.validate() + pinned_ == entries_.size(), "the policy knows every entry");
}

template <class Key, class Value, class Hash, class Equal>
template <class Step>
auto cache<Key, Value, Hash, Equal>::change(Step&& step) {
  removals gone;
  const auto done = [&] {
    const std::lock_guard lock(mutex_);
    return step(gone);
  }();
  notify(gone);
  return done;
}

template <class Key, class Value, class Hash, class Equal>
std::size_t cache<Key, Value, Hash, Equal>::weigh(const Key& key, const Value& value) const {
  return settings_.weigher ? settings_.weigher(key, value) : 1;
}

template <class Key, class Value, class Hash, class Equal>
outcome cache<Key, Value, Hash, Equal>::store(const Key& key, Value&& value, removals& gone) {
  // The weigher may throw: nothing has changed yet.
  const std::size_t weight = weigh(key, value);
  const auto old = entries_.find(key);
  const bool present = old != entries_.end();
  if (present) take(old, removal_cause::replaced, gone);
  if (weight > bound_) {
    ++refusals_;
    return outcome::too_heavy;
  }
  make_room(weight, gone);
  const auto [position, added] = entries_.try_emplace(key, std::move(value), weight);
  LODESTAR_ASSERT(added, "the old entry was taken out before");
  position->second.key = &position->first;
  link(position->second);
  ++insertions_;
  return present ? outcome::replaced : outcome::inserted;
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::link(node& added) noexcept {
  weight_ += added.weight;
  if (added.weight == 0) {
    ++pinned_;
  } else {
    order_.add(added);
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::unlink(node& removed) noexcept {
  weight_ -= removed.weight;
  if (removed.weight == 0) {
    --pinned_;
  } else {
    order_.remove(removed);
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::take(typename table::iterator position, removal_cause cause,
                                          removals& gone) {
  unlink(position->second);
  gone.push_back({entries_.extract(position), cause});
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::make_room(std::size_t weight, removals& gone) {
  while (weight_ > bound_ - weight) {
    auto* const victim = static_cast<node*>(order_.victim());
    LODESTAR_ASSERT(victim != nullptr, "whatever has a weight can be evicted");
    take(entries_.find(*victim->key), removal_cause::size, gone);
    ++evictions_;
  }
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::notify(removals& gone) const {
  if (!settings_.listener) return;
  for (removal& each : gone) {
    settings_.listener(each.taken.key(), each.taken.mapped().value, each.cause);
  }
}

}  // namespace lodestar::cache
