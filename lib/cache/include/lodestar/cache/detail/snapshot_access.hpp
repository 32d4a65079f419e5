// What a snapshot (snapshot.hpp) needs of a cache and nobody else does: its entries in the order of
// their heat with their times, and a way to put such an entry back.
//
// Thread-safety: as the cache's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

#include <lodestar/cache/cache.hpp>
#include <lodestar/cache/detail/snapshot_format.hpp>

namespace lodestar::cache::detail {

template <class Cache>
class snapshot_access {
 public:
  using key_type = typename Cache::key_type;
  using value_type = typename Cache::value_type;

  /// The records that held an entry, coldest first, pinned ones last. Takes the lock for a few
  /// records at a time; 16 bytes a record.
  struct place {
    std::uint32_t number;
    std::uint16_t heat;
    bool proven;
    std::uint64_t weight;
  };
  struct listing {
    std::vector<place> places;
    std::uint64_t weight = 0;
    std::uint8_t shape = 0;
    ticks at = 0;
  };
  [[nodiscard]] static listing list(const Cache& from);

  /// Calls use(key, value, snapshot_entry) with what the record holds now, if it holds anything.
  template <class Use>
  static void open(const Cache& from, const listing& listed, const place& where, Use&& use);

  static void adopt_shape(Cache& into, std::uint8_t shape) {
    const std::lock_guard held(into.mutex_);
    into.policy_.adopt_shape(shape);
  }
  [[nodiscard]] static bool weighs(const Cache& of) noexcept { return of.weighs_; }
  [[nodiscard]] static std::uint64_t bound(const Cache& of) noexcept { return of.bound_; }
  [[nodiscard]] static std::int64_t wall_us(const Cache& of) {
    return of.settings_.time->wall_us();
  }

  /// When loading began, and how long ago that was saved which is loaded.
  struct moment {
    ticks at;
    std::uint64_t elapsed_us;
  };
  [[nodiscard]] static moment moment_of(const Cache& into, std::int64_t saved_wall_us);
  /// Stores an entry that was saved, unless there is one of its key. `refused` also when it has a
  /// time and this cache knows none.
  enum class restored : std::uint8_t { stored, present, refused };
  [[nodiscard]] static restored restore(Cache& into, const key_type& key, value_type&& value,
                                        const snapshot_entry& entry, const moment& began);

 private:
  static constexpr std::uint32_t records_at_once = 128;

  [[nodiscard]] static ticks time_max(const Cache& of, std::uint32_t number, ticks expires) {
    if (of.keeps_deadline_) return of.deadline(number);
    return of.varies_ ? ticks_never : expires;
  }
  [[nodiscard]] static std::uint64_t span_us(ticks from, ticks until) noexcept {
    if (until == ticks_never) return snapshot_entry::never_us;
    return until <= from ? 0 : until - from;
  }
  /// What was written before the cache began has wrapped around (note_write).
  [[nodiscard]] static std::uint64_t age_us(ticks written, ticks at) noexcept {
    const auto age = static_cast<std::int64_t>(at - written);
    return age < 0 ? 0 : static_cast<std::uint64_t>(age);
  }
  /// So much later, less what has passed.
  [[nodiscard]] static ticks after(const moment& began, std::uint64_t left_us) noexcept {
    if (left_us == snapshot_entry::never_us) return ticks_never;
    const std::uint64_t left = left_us - std::min(left_us, began.elapsed_us);
    return began.at + std::min(left, ticks_never - 1 - began.at);
  }
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Cache>
auto snapshot_access<Cache>::list(const Cache& from) -> listing {
  constexpr std::uint16_t pinned_heat = std::numeric_limits<std::uint16_t>::max();
  listing found;
  found.at = from.now();
  const std::uint32_t end = from.records_.numbers_end();
  found.places.reserve(end);  // not under the lock
  for (std::uint32_t number = 0; number < end;) {
    const std::uint32_t stop = std::min(end, number + records_at_once);
    const std::lock_guard held(from.mutex_);
    found.shape = static_cast<std::uint8_t>(from.policy_.shape());
    for (; number < stop; ++number) {
      if (!from.records_.at(number).alive()) continue;
      const std::uint64_t weight = from.weight_of(number);
      const std::uint16_t heat = weight == 0 ? pinned_heat : from.policy_.heat(number);
      const bool proven = weight != 0 && from.policy_.is_proven(number);
      found.places.push_back({number, heat, proven, weight});
      found.weight += weight;
    }
  }
  std::sort(found.places.begin(), found.places.end(),
            [](const place& a, const place& b) { return a.heat < b.heat; });
  return found;
}

template <class Cache>
template <class Use>
void snapshot_access<Cache>::open(const Cache& from, const listing& listed, const place& where,
                                  Use&& use) {
  const process_pin pinned;
  const auto& record = from.records_.at(where.number);
  typename Cache::reading before;
  typename Cache::reading seen;
  if (!record.read(before, from.expires_)) return;
  // The times before the value: a value that is written meanwhile is rather given too little.
  ticks until = time_max(from, where.number, before.expires);
  const ticks written = from.refreshes_ ? from.written(where.number) : listed.at;
  if (!from.read_if_valid(where.number, seen)) return;
  if (seen.version != before.version) until = seen.expires;
  const snapshot_entry entry{.left_us = span_us(listed.at, seen.expires),
                             .time_max_us = span_us(listed.at, until),
                             .age_us = age_us(written, listed.at),
                             .weight = where.weight,
                             .uses = record.uses(),
                             .proven = where.proven};
  Cache::contents::open(
      seen.content, [&](const key_type& key, const value_type& value) { use(key, value, entry); });
}

template <class Cache>
auto snapshot_access<Cache>::moment_of(const Cache& into, std::int64_t saved_wall_us) -> moment {
  const std::int64_t wall_us = into.settings_.time->wall_us();
  // The difference of any two fits when it is positive.
  const auto elapsed =
      static_cast<std::uint64_t>(wall_us) - static_cast<std::uint64_t>(saved_wall_us);
  return {.at = into.now(), .elapsed_us = wall_us > saved_wall_us ? elapsed : 0};
}

template <class Cache>
auto snapshot_access<Cache>::restore(Cache& into, const key_type& key, value_type&& value,
                                     const snapshot_entry& entry, const moment& began) -> restored {
  if (!into.expires_ && entry.left_us != snapshot_entry::never_us) return restored::refused;
  const typename Cache::cleaning after_it(into);
  typename Cache::incoming arriving(into, into.hash_of(key), key, std::move(value));
  into.set_times(arriving, nullptr);
  arriving.deadline = std::min(arriving.deadline, after(began, entry.time_max_us));
  arriving.expires = std::min(arriving.expires, after(began, entry.left_us));
  arriving.age = entry.age_us + std::min(began.elapsed_us, ~entry.age_us);
  arriving.uses = std::min(entry.uses, uses_max);
  arriving.how = entry.proven ? arrival::proven : arrival::unproven;
  switch (into.store(arriving, Cache::expected::absent, nullptr)) {
    case outcome::inserted: return restored::stored;
    case outcome::present: return restored::present;
    default: return restored::refused;
  }
}

}  // namespace lodestar::cache::detail
