// Drives policies with a trace and counts hits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "hit_ratio/policies.hpp"
#include "hit_ratio/trace.hpp"

namespace lodestar::bench::hit_ratio {

using policy_list = std::vector<const policy_kind*>;

/// One line of the table: a trace at a capacity.
struct ratio_row {
  std::string trace;
  std::size_t capacity = 0;
  std::size_t accesses = 0;
  std::vector<std::uint64_t> hits;  ///< Of each policy.

  [[nodiscard]] double percent(std::size_t policy) const {
    return 100.0 * static_cast<double>(hits[policy]) / static_cast<double>(accesses);
  }
};

struct replay_options {
  std::size_t threads = 1;  ///< That share one cache; for policies that can do that, else one.
  std::size_t jobs = 1;     ///< Cells measured at the same time.
};

/// Called with the number of finished cells, from any thread, one at a time.
using progress = std::function<void(std::size_t done, std::size_t all)>;

/// Accesses of each thread between two points where all threads wait for each other.
inline constexpr std::size_t round_accesses = 16;

/// Thread t of N takes the accesses t, t + N, t + 2 N …; an access is made at most N rounds of one
/// thread before or after its turn. With more than one thread the result differs a little from run
/// to run.
[[nodiscard]] std::uint64_t count_hits(const policy_kind& kind, std::size_t capacity,
                                       const trace& accesses, std::size_t threads);

/// A row for each capacity.
[[nodiscard]] std::vector<ratio_row> measure(const trace& accesses,
                                             std::span<const std::size_t> capacities,
                                             const policy_list& policies, replay_options options,
                                             const progress& tell);

/// 1, 2, 5, 10, 20 and 50 % of the unique keys; fewer when they are few.
[[nodiscard]] std::vector<std::size_t> default_capacities(std::size_t unique_keys);

}  // namespace lodestar::bench::hit_ratio
