// The key distribution of the YCSB benchmarks, which Caffeine's and otter's throughput benchmarks
// use as well: the rank of a draw follows Zipf's law over ten billion items, and a hash of the rank
// picks one of the items that exist. The popular ranks stay popular, but lie anywhere; all the
// others together spread evenly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <lodestar/base/random.hpp>

namespace lodestar::bench {

class scrambled_zipfian {
 public:
  /// Draws items 0 … items - 1 from randomness that must outlive this.
  scrambled_zipfian(std::uint64_t items, random_source& random) : items_(items), random_(random) {}

  [[nodiscard]] std::uint64_t next();

  /// The item that a rank (0 = the most popular) falls on.
  [[nodiscard]] std::uint64_t item_of(std::uint64_t rank) const noexcept;
  /// The share of all draws that have the rank.
  [[nodiscard]] static double share_of(std::uint64_t rank) noexcept;

 private:
  [[nodiscard]] std::uint64_t next_rank();

  std::uint64_t items_;
  random_source& random_;
};

/// The same keys for the same arguments, on every machine.
[[nodiscard]] std::vector<std::uint64_t> draw_keys(std::size_t count, std::uint64_t items,
                                                   std::uint64_t seed);

}  // namespace lodestar::bench
