// What eviction costs: threads insert ever-new keys into a full cache and get known ones in turn,
// and each call is timed.
#pragma once

#include <vector>

#include "cache_throughput/subjects.hpp"

namespace lodestar::bench {

struct measured_eviction {
  unsigned threads;
  /// In the order of the participants, all rounds together; nothing of those that cannot do it.
  std::vector<std::optional<eviction_result>> subjects;
};

[[nodiscard]] result<measured_eviction> run_evictions(unsigned threads, unsigned rounds,
                                                      std::chrono::milliseconds duration,
                                                      const std::vector<participant>& subjects);

}  // namespace lodestar::bench
