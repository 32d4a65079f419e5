// Sums of durations and times that stay what they are when they are unlimited.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

#include <lodestar/base/clock.hpp>

namespace lodestar::swr::detail {

[[nodiscard]] constexpr std::int64_t saturating_sum(std::int64_t left,
                                                    std::int64_t right) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(left, right, &sum)) return sum;
  return left < 0 ? std::numeric_limits<std::int64_t>::min()
                  : std::numeric_limits<std::int64_t>::max();
}

/// Never, when that lies beyond what the clock can say.
[[nodiscard]] inline steady_time later(steady_time from, std::int64_t ms) noexcept {
  const auto left = std::chrono::duration_cast<milliseconds>(steady_time::max() - from).count();
  return ms >= left ? steady_time::max() : from + milliseconds(ms);
}

}  // namespace lodestar::swr::detail
