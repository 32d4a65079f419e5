// What the eviction policy needs of an entry. Entries live in numbered slots of somebody else's
// store; a Records is a cheap handle through which the policy reads and writes its part of them:
// two links, one byte of its own, and the count of uses that hits raise without a lock.
#pragma once

#include <concepts>
#include <cstdint>

namespace lodestar::cache::detail {

using slot_number = std::uint32_t;
inline constexpr slot_number no_slot = 0xFFFF'FFFF;

/// A hit raises `uses` up to here, and stores nothing once it is there.
inline constexpr std::uint8_t uses_max = 3;

template <class Type>
concept policy_records =
    std::copyable<Type> && requires(Type records, slot_number slot, std::uint8_t byte) {
      { records.newer(slot) } -> std::convertible_to<slot_number>;
      { records.older(slot) } -> std::convertible_to<slot_number>;
      records.set_newer(slot, slot);
      records.set_older(slot, slot);
      { records.region(slot) } -> std::convertible_to<std::uint8_t>;
      records.set_region(slot, byte);
      { records.uses(slot) } -> std::convertible_to<std::uint8_t>;
      records.set_uses(slot, byte);
      { records.hash(slot) } -> std::convertible_to<std::uint64_t>;
      { records.weight(slot) } -> std::convertible_to<std::uint64_t>;
    };

/// The finalizer of MurmurHash3: every bit of the result depends on every bit of the hash, which
/// may be as bad as the number itself. The secret seed keeps chosen keys from colliding on purpose.
[[nodiscard]] constexpr std::uint64_t spread_hash(std::uint64_t hash, std::uint64_t seed) noexcept {
  hash ^= seed;
  hash = (hash ^ (hash >> 33U)) * 0xFF51'AFD7'ED55'8CCDU;
  hash = (hash ^ (hash >> 33U)) * 0xC4CE'B9FE'1A85'EC53U;
  return hash ^ (hash >> 33U);
}

}  // namespace lodestar::cache::detail
