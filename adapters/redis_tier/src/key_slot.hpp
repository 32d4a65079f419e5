// The slot of a key in a Redis cluster: the CRC16 (XMODEM) of the key, or of what stands in its
// first braces when that is not empty.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace lodestar::redis_tier {

inline constexpr std::size_t slot_count = 16'384;

namespace detail {
[[nodiscard]] consteval std::array<std::uint16_t, 256> crc16_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned value = byte << 8U;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 0x8000U) != 0 ? (value << 1U) ^ 0x1021U : value << 1U;
    table[byte] = static_cast<std::uint16_t>(value);
  }
  return table;
}
inline constexpr auto crc16_of_byte = crc16_table();
}  // namespace detail

[[nodiscard]] constexpr std::uint16_t crc16(std::string_view bytes) noexcept {
  std::uint16_t value = 0;
  for (const char byte : bytes) {
    const auto index = static_cast<std::uint8_t>((value >> 8U) ^ static_cast<std::uint8_t>(byte));
    value = static_cast<std::uint16_t>((value << 8U) ^ detail::crc16_of_byte[index]);
  }
  return value;
}

[[nodiscard]] constexpr std::uint16_t key_slot(std::string_view key) noexcept {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1)
      key = key.substr(open + 1, close - open - 1);
  }
  return crc16(key) % slot_count;
}

}  // namespace lodestar::redis_tier
