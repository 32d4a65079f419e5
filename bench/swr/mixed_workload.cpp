// 80 % of the reads are of 400 users, 20 % of 100 others. A cache begins empty and stays: the first
// iterations load, the last ones hit.
#include <fmt/format.h>

#include <algorithm>
#include <latch>
#include <mutex>
#include <thread>

#include <lodestar/base/random.hpp>

#include "swr/scenarios.hpp"

namespace lodestar::bench {
namespace {

constexpr std::size_t reads_an_iteration = 50;

void measure_row(report& out, stack& on, const std::vector<std::string>& keys,
                 std::int64_t latency_ms, unsigned threads, std::size_t iterations) {
  user_database origin(latency_ms);
  const auto cache = on.make_cache();
  sample times;
  std::mutex mutex;
  std::latch begin(threads);
  const stopwatch whole;
  {
    std::vector<std::jthread> running;
    for (unsigned thread = 0; thread < threads; ++thread) {
      running.emplace_back([&, thread] {
        seeded_random random(thread + 1);
        begin.arrive_and_wait();
        for (std::size_t iteration = 0; iteration < iterations; ++iteration) {
          const stopwatch time;
          for (std::size_t read = 0; read < reads_an_iteration; ++read) {
            const std::size_t id = draw_mixed(random);
            read_user(*cache, keys[id], id, on.how(), origin);
          }
          const double ms = time.seconds() * 1e3;
          const std::lock_guard held(mutex);
          times.add(ms);
        }
      });
    }
  }
  const double seconds = whole.seconds();
  const auto what = fmt::format("mixed_workload, {} ms, {} threads", latency_ms, threads);
  const double reads = static_cast<double>(threads * iterations * reads_an_iteration);
  out.add_quantiles(on.name(), what, "time of 50 reads", "ms", times);
  out.add(on.name(), what, "throughput", "reads/s", reads / seconds);
  out.add(on.name(), what, "reads", "", reads);
  counts counted;
  counted.add(cache->stats());
  counted.report_rows(out, on.name(), what, origin.loads());
  on.settle();
}

}  // namespace

void measure_mixed_workload(report& out, const scenario_settings& settings) {
  const auto keys = make_user_keys(mixed_users);
  for (const stack_plan& plan : settings.stacks) {
    stack on(plan, settings.redis_url);
    for (const std::int64_t latency_ms : settings.latencies_ms) {
      for (const unsigned threads : {1U, 8U}) {
        // One thread waits for one load after the other.
        const std::size_t most = settings.quick ? 1 : latency_ms >= 10 && threads == 1 ? 3 : 50;
        measure_row(out, on, keys, latency_ms, threads, std::min(settings.samples, most));
      }
    }
  }
}

}  // namespace lodestar::bench
