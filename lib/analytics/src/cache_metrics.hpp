// The statistics of the result cache as metrics.
//
// The cache counts by itself; update() takes over what it counted since the last call. Thread-safe.
#pragma once

#include <mutex>

#include <lodestar/base/metrics.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::analytics {

class cache_metrics {
 public:
  explicit cache_metrics(metrics_registry& metrics);
  void update(const swr::statistics& now);

 private:
  std::mutex mutex_;
  swr::statistics seen_;
  counter& hits_;
  counter& stale_hits_;
  counter& misses_;
  counter& tier_hits_;
  counter& coalesced_;
  counter& evictions_;
  counter& refusals_;
  gauge& entries_;
  gauge& bytes_;
};

}  // namespace lodestar::analytics
