// The scenarios, each with its rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/report.hpp"
#include "swr/stacks.hpp"

namespace lodestar::bench {

struct scenario_settings {
  std::vector<stack_plan> stacks;    ///< In the order in which they are run.
  std::string redis_url;             ///< Empty: none of the stacks needs one.
  std::uint16_t own_redis_port = 0;  ///< 0: there is no server of our own.
  std::vector<std::int64_t> latencies_ms;
  std::size_t samples = 100;
  bool quick = false;
};

void measure_hot_cache(report& out, const scenario_settings& settings);
void measure_cold_cache(report& out, const scenario_settings& settings);
void measure_mixed_workload(report& out, const scenario_settings& settings);
void measure_stampede(report& out, const scenario_settings& settings);
void measure_redis_pipeline(report& out, const scenario_settings& settings);

/// What the caches of a row have counted, together.
class counts {
 public:
  void add(const swr::statistics& counted) {
    hits_ += counted.hits + counted.stale_hits;
    tier_hits_ += counted.tier_hits;
    coalesced_ += counted.coalesced;
  }
  void report_rows(report& out, const std::string& subject, const std::string& what,
                   std::uint64_t origin_loads) const;

 private:
  std::uint64_t hits_ = 0, tier_hits_ = 0, coalesced_ = 0;
};

}  // namespace lodestar::bench
