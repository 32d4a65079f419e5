// A thousand threads ask for one missing key of a slow origin.
#include <fmt/format.h>

#include <latch>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "swr/scenarios.hpp"

namespace lodestar::bench {
namespace {

constexpr std::int64_t latency_ms = 300;

void run_once(stack& on, unsigned callers, user_database& origin, counts& counted, sample& waits) {
  const auto cache = on.make_cache();
  const std::string key = "user:7";
  std::mutex mutex;
  std::latch begin(callers);
  {
    std::vector<std::jthread> running;
    for (unsigned caller = 0; caller < callers; ++caller) {
      running.emplace_back([&] {
        begin.arrive_and_wait();
        const stopwatch time;
        read_user(*cache, key, 7, on.how(), origin);
        const double ms = time.seconds() * 1e3;
        const std::lock_guard held(mutex);
        waits.add(ms);
      });
    }
  }
  counted.add(cache->stats());
  on.settle();
}

}  // namespace

void measure_stampede(report& out, const scenario_settings& settings) {
  const unsigned callers = settings.quick ? 100 : 1'000;
  const std::uint64_t rounds = settings.quick ? 1 : 3;
  for (const stack_plan& plan : settings.stacks) {
    stack on(plan, settings.redis_url);
    user_database origin(latency_ms);
    counts counted;
    sample waits;
    for (std::uint64_t round = 0; round < rounds; ++round)
      run_once(on, callers, origin, counted, waits);
    const auto what = fmt::format("stampede, {} callers, {} times", callers, rounds);
    out.add_quantiles(on.name(), what, "wait", "ms", waits);
    counted.report_rows(out, on.name(), what, origin.loads());
    if (origin.loads() != rounds) throw std::runtime_error("a stampede loads once, or it is none");
  }
}

}  // namespace lodestar::bench
