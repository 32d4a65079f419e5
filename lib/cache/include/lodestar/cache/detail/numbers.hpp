// How records are numbered: in 24 bits.
#pragma once

#include <cstdint>

namespace lodestar::cache::detail {

inline constexpr unsigned number_bits = 24;
/// Of no record.
inline constexpr std::uint32_t no_number = 0xffff'ffffU;
/// Of a record that could not be told at once.
inline constexpr std::uint32_t unclear_number = 0xffff'fffeU;

}  // namespace lodestar::cache::detail
