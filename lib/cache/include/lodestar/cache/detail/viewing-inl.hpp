// The members of cache (cache.hpp) that show what the eviction policy thinks of its entries.
#pragma once

#include <algorithm>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

template <class Key, class Value, class Hash, class Equal>
std::vector<std::pair<Key, Value>> cache<Key, Value, Hash, Equal>::hottest(
    std::size_t count) const {
  return view(temperature::hot, count);
}

template <class Key, class Value, class Hash, class Equal>
std::vector<std::pair<Key, Value>> cache<Key, Value, Hash, Equal>::coldest(
    std::size_t count) const {
  return view(temperature::cold, count);
}

template <class Key, class Value, class Hash, class Equal>
std::vector<std::pair<Key, Value>> cache<Key, Value, Hash, Equal>::view(temperature from,
                                                                        std::size_t count) const {
  count = std::min(count, size());
  // A used entry may lie before one that goes earlier, and some may have expired.
  std::vector<glimpse> entries = glimpses(from, 4 * count + 64);
  std::stable_sort(entries.begin(), entries.end(), [from](const glimpse& a, const glimpse& b) {
    return from == temperature::hot ? a.heat > b.heat : a.heat < b.heat;
  });
  std::vector<std::pair<Key, Value>> shown;
  shown.reserve(count);
  for (glimpse& each : entries) {
    if (shown.size() == count) break;
    const detail::process_pin pinned;
    // It may have been reborn meanwhile, for another key; a new value of the same key is welcome.
    const reading before = each.seen;
    if (!read_if_valid(each.number, each.seen)) continue;
    const bool may_be_another = contents::boxed || record::value_is_one_word;
    if (may_be_another && each.seen.version != before.version) continue;
    if (!detail::same_key(each.seen.content, before.content)) continue;
    contents::open(each.seen.content, [&shown](const Key& key, const Value& value) {
      shown.emplace_back(key, value);
    });
  }
  return shown;
}

// In the policy's order: nothing of the caller's runs under the lock, so keys and values are copied
// later.
template <class Key, class Value, class Hash, class Equal>
auto cache<Key, Value, Hash, Equal>::glimpses(temperature from, std::size_t entries) const
    -> std::vector<glimpse> {
  std::vector<glimpse> noted;
  noted.reserve(2 * std::min(entries, size()));  // not under the lock
  const auto note = [&](std::uint32_t number) {
    if (noted.size() == noted.capacity()) return;
    glimpse seen{number, policy_.heat(number), {}};
    if (records_.at(number).read(seen.seen, expires_)) noted.push_back(seen);
  };
  const std::lock_guard held(mutex_);
  if (from == temperature::hot) {
    policy_.visit_newest(entries, note);
  } else {
    policy_.visit_oldest(entries, note);
  }
  return noted;
}

}  // namespace lodestar::cache
