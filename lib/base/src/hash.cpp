#include <lodestar/base/hash.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace lodestar {

std::string hash128::hex() const {
  constexpr char digits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (std::size_t nibble = 0; nibble < 32; ++nibble) {
    const std::uint64_t half = nibble < 16 ? high : low;
    text[nibble] = digits[(half >> (60 - 4 * (nibble % 16))) & 0xFU];
  }
  return text;
}

hash128 hash_bytes_128(std::string_view bytes, std::uint64_t seed) noexcept {
  const XXH128_hash_t value = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {value.high64, value.low64};
}

std::uint64_t hash_bytes_64(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace lodestar
