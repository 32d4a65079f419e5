#include "support/latency_histogram.hpp"

#include <algorithm>
#include <cmath>

namespace lodestar::bench {

void latency_histogram::add(const latency_histogram& other) noexcept {
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket)
    buckets_[bucket] += other.buckets_[bucket];
  count_ += other.count_;
}

std::uint64_t latency_histogram::upper_edge_of(std::size_t bucket) noexcept {
  if (bucket < fractions) return bucket;
  const std::size_t shift = bucket / fractions - 1;
  return ((bucket % fractions + fractions + 1) << shift) - 1;
}

std::uint64_t latency_histogram::quantile(double share) const noexcept {
  if (count_ == 0) return 0;
  const double rank = std::ceil(share * static_cast<double>(count_));
  const auto wanted = std::max<std::uint64_t>(static_cast<std::uint64_t>(rank), 1);
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  for (; bucket + 1 < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) break;
  }
  return upper_edge_of(bucket);
}

}  // namespace lodestar::bench
