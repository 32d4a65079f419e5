// Zipf-distributed ranks: rank r = 0, 1, 2 … is drawn with a probability in proportion to
// 1 / (r + 1)^theta. theta may be anything from 0 (uniform).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <lodestar/base/random.hpp>

namespace lodestar::bench::hit_ratio {

/// Uniform in [0, 1).
[[nodiscard]] inline double unit(random_source& random) {
  return static_cast<double>(random.next() >> 11) * 0x1p-53;
}

class zipf_ranks {
 public:
  zipf_ranks(double theta, std::size_t items);
  [[nodiscard]] std::size_t draw(random_source& random) const;

 private:
  std::vector<double> cumulative_;  // exact for every theta, unlike the usual approximations
};

inline zipf_ranks::zipf_ranks(double theta, std::size_t items) : cumulative_(items) {
  double sum = 0;
  for (std::size_t rank = 0; rank < items; ++rank)
    cumulative_[rank] = sum += std::pow(static_cast<double>(rank + 1), -theta);
}

inline std::size_t zipf_ranks::draw(random_source& random) const {
  const double at = unit(random) * cumulative_.back();
  const auto found = std::ranges::upper_bound(cumulative_, at);
  return std::min(static_cast<std::size_t>(found - cumulative_.begin()), cumulative_.size() - 1);
}

}  // namespace lodestar::bench::hit_ratio
