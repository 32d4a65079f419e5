// Hashes of bytes. Neither is a defence against somebody who can choose the bytes and needs a
// collision, unless the seed is secret.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace lodestar {

/// 128 bits of XXH3 (xxHash 0.8): the identity of a query, the checksum of a block.
struct hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const hash128&, const hash128&) = default;
  /// 32 hexadecimal digits.
  [[nodiscard]] std::string hex() const;
};

[[nodiscard]] hash128 hash_bytes_128(std::string_view bytes, std::uint64_t seed = 0) noexcept;
[[nodiscard]] std::uint64_t hash_bytes_64(std::string_view bytes, std::uint64_t seed = 0) noexcept;

}  // namespace lodestar

template <>
struct std::hash<lodestar::hash128> {
  [[nodiscard]] std::size_t operator()(const lodestar::hash128& value) const noexcept {
    return value.low;
  }
};
