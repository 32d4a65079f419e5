// The order of a run: each round runs every case once, and each case every subject once, so that
// whatever else happens on the machine happens to all of them.
#pragma once

#include <functional>
#include <vector>

#include "cache_throughput/cell.hpp"
#include "cache_throughput/subjects.hpp"

namespace lodestar::bench {

struct run_plan {
  std::vector<thread_group> groups;
  unsigned rounds;
  std::chrono::milliseconds cell;
  /// Before every cell.
  std::chrono::milliseconds warm_up;
  /// In every case, before the first round, of what is compiled while it runs. Its first cell of
  /// each case is repeated.
  std::chrono::milliseconds compilation;
};

/// What one subject did in one case, by round.
using rounds_of_subject = std::vector<cell_result>;

struct measured_case {
  thread_group group;
  std::vector<rounds_of_subject> subjects;  ///< In the order of the participants.
};

/// The first subject that fails, or misses a key, ends the run. `begin_round` is told each one's
/// number from 0.
[[nodiscard]] result<std::vector<measured_case>> run_interleaved(
    const run_plan& plan, const std::vector<participant>& subjects,
    const std::function<void(unsigned)>& begin_round);

}  // namespace lodestar::bench
