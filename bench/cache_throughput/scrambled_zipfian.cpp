#include "cache_throughput/scrambled_zipfian.hpp"

#include <algorithm>
#include <cmath>

namespace lodestar::bench {
namespace {

constexpr double theta = 0.99;
constexpr double ranks = 1e10;
/// The sum of 1 / k^theta over all ranks, which would take a minute to add up.
constexpr double zeta = 26.46902820178302;

/// FNV-1a over the eight bytes, lowest first, as YCSB has it: the sign bit is dropped.
std::uint64_t scramble(std::uint64_t value) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (int byte = 0; byte < 8; ++byte) {
    hash = (hash ^ (value & 0xFF)) * 1'099'511'628'211;
    value >>= 8;
  }
  const auto with_sign = static_cast<std::int64_t>(hash);
  return with_sign < 0 ? 0 - hash : hash;
}

/// Evenly from [0, 1).
double next_share(random_source& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

}  // namespace

// The inversion of Gray et al., "Quickly generating billion-record synthetic databases": exact for
// the first two ranks, close for the others.
std::uint64_t scrambled_zipfian::next_rank() {
  static const double half = std::pow(0.5, theta);
  static const double eta = (1 - std::pow(2 / ranks, 1 - theta)) / (1 - (1 + half) / zeta);
  const double share = next_share(random_);
  if (share * zeta < 1) return 0;
  if (share * zeta < 1 + half) return 1;
  return static_cast<std::uint64_t>(ranks * std::pow(eta * share - eta + 1, 1 / (1 - theta)));
}

std::uint64_t scrambled_zipfian::next() {
  return item_of(next_rank());
}

std::uint64_t scrambled_zipfian::item_of(std::uint64_t rank) const noexcept {
  return scramble(rank) % items_;
}

double scrambled_zipfian::share_of(std::uint64_t rank) noexcept {
  return 1 / (std::pow(static_cast<double>(rank + 1), theta) * zeta);
}

std::vector<std::uint64_t> draw_keys(std::size_t count, std::uint64_t items, std::uint64_t seed) {
  seeded_random random(seed);
  scrambled_zipfian zipfian(items, random);
  std::vector<std::uint64_t> keys(count);
  std::ranges::generate(keys, [&] { return zipfian.next(); });
  return keys;
}

}  // namespace lodestar::bench
