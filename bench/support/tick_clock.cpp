#include "support/tick_clock.hpp"

#include "support/latency_histogram.hpp"
#include "support/report.hpp"

namespace lodestar::bench {
namespace {

double compare_clocks() {
  constexpr std::int64_t duration_ns = 20'000'000;
  const std::int64_t begin_ns = now_ns();
  const std::uint64_t begin = ticks();
  std::int64_t elapsed_ns = 0;
  while (elapsed_ns < duration_ns) elapsed_ns = now_ns() - begin_ns;
  return static_cast<double>(ticks() - begin) / static_cast<double>(elapsed_ns);
}

}  // namespace

double ticks_per_ns() {
  static const double pace = compare_clocks();
  return pace;
}

double tick_clock_cost_ns() {
  latency_histogram costs;
  for (int time = 0; time < 10'000; ++time) {
    const std::uint64_t before = ticks();
    costs.record(ticks() - before);
  }
  return static_cast<double>(costs.quantile(0.5)) / ticks_per_ns();
}

}  // namespace lodestar::bench
