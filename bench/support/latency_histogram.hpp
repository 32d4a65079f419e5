// Counts of durations in buckets that are at most 1/16 wide: a fixed size, and recording costs a
// few instructions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace lodestar::bench {

class latency_histogram {
 public:
  void record(std::uint64_t ticks) noexcept {
    ++buckets_[bucket_of(ticks)];
    ++count_;
  }
  void add(const latency_histogram& other) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// The upper edge of the bucket that holds the quantile; 0 of nothing.
  [[nodiscard]] std::uint64_t quantile(double share) const noexcept;

 private:
  static constexpr unsigned fraction_bits = 4;
  static constexpr std::size_t fractions = 1 << fraction_bits;

  /// Values below 16 have a bucket each; above, each power of two has 16.
  [[nodiscard]] static std::size_t bucket_of(std::uint64_t ticks) noexcept {
    if (ticks < fractions) return ticks;
    const auto shift = static_cast<unsigned>(std::bit_width(ticks)) - 1 - fraction_bits;
    return fractions * shift + (ticks >> shift);
  }
  [[nodiscard]] static std::uint64_t upper_edge_of(std::size_t bucket) noexcept;

  std::array<std::uint64_t, fractions * (64 - fraction_bits + 1)> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace lodestar::bench
