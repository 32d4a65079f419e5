// The rows of the report.
#pragma once

#include "cache_throughput/eviction_run.hpp"
#include "cache_throughput/interleaved_run.hpp"
#include "support/report.hpp"

namespace lodestar::bench {

void add_rows(report& out, const measured_case& measured, const std::vector<participant>& subjects);
void add_rows(report& out, const measured_eviction& measured,
              const std::vector<participant>& subjects);
/// One row a subject over all cases.
void add_hit_rates(report& out, const std::vector<measured_case>& measured,
                   const std::vector<participant>& subjects);

}  // namespace lodestar::bench
