// Numbers in a snapshot: little-endian on every machine.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lodestar::cache::detail {

inline constexpr std::string_view snapshot_magic = "\x89LSNAP\r\n";
inline constexpr std::uint32_t snapshot_version = 1;
inline constexpr std::uint8_t byte_order_here = std::endian::native == std::endian::little ? 1 : 2;
inline constexpr std::size_t header_bytes = 48;  // without its checksum
inline constexpr std::size_t block_header_bytes = 8;
inline constexpr std::size_t entry_length_bytes = 4;
inline constexpr std::size_t entry_fixed_bytes = 37;  // behind the length
inline constexpr std::uint8_t proven_flag = 0x80;     // beside the uses
inline constexpr std::size_t checksum_bytes = 8;

template <class Number>
void append_number(std::string& bytes, Number number) {
  for (std::size_t index = 0; index < sizeof(Number); ++index)
    bytes.push_back(static_cast<char>((std::uint64_t{number} >> (8 * index)) & 0xFFU));
}

template <class Number>
void set_number(std::string& bytes, std::size_t offset, Number number) {
  for (std::size_t index = 0; index < sizeof(Number); ++index)
    bytes[offset + index] = static_cast<char>((std::uint64_t{number} >> (8 * index)) & 0xFFU);
}

template <class Number>
[[nodiscard]] Number number_at(std::string_view bytes, std::size_t offset) {
  Number number = 0;
  for (std::size_t index = 0; index < sizeof(Number); ++index) {
    const auto byte = static_cast<unsigned char>(bytes[offset + index]);
    number = static_cast<Number>(number | static_cast<Number>(byte) << (8 * index));
  }
  return number;
}

}  // namespace lodestar::cache::detail
