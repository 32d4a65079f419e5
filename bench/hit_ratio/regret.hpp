// How far each policy stays behind the best one of every row. The best is the best online policy:
// one that does not know the future.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hit_ratio/replay.hpp"

namespace lodestar::bench::hit_ratio {

/// Percentage points of hit ratio; of a policy that is not online, nothing.
struct regret {
  double mean = 0;
  double max = 0;
  std::size_t wins = 0;  ///< Rows in which no other one is better; ties count for all.
};

/// The most hits of an online policy; nothing when there is none.
[[nodiscard]] std::optional<std::uint64_t> best_online(const ratio_row& row,
                                                       const policy_list& policies);

[[nodiscard]] regret regret_of(std::size_t policy, std::span<const ratio_row> rows,
                               const policy_list& policies);

}  // namespace lodestar::bench::hit_ratio
