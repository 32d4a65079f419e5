// Every iteration begins with a cache of a new name: nothing of it is in memory or in a tier.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>

#include "swr/scenarios.hpp"

namespace lodestar::bench {
namespace {

constexpr std::size_t users = 1'000;
constexpr std::size_t keys_one_by_one = 10;

void read_one_by_one(user_cache& cache, const std::vector<std::string>& keys,
                     const swr::call_options& how, user_database& origin) {
  for (std::size_t id = 0; id < keys_one_by_one; ++id) read_user(cache, keys[id], id, how, origin);
}

void read_at_once(user_cache& cache, const std::vector<std::string>& keys,
                  const swr::call_options& how, user_database& origin) {
  struct progress {
    std::atomic<std::size_t> left, wrong{0};
  };
  const auto waiting = std::make_shared<progress>();
  waiting->left = keys.size();
  for (std::size_t id = 0; id < keys.size(); ++id) {
    cache.get_or_load(keys[id], how, {}, origin.load(id), [waiting, id](const auto& got) {
      if (!got || got->value.id != id) ++waiting->wrong;
      if (--waiting->left == 0) waiting->left.notify_one();
    });
  }
  for (std::size_t left = waiting->left; left > 0; left = waiting->left) waiting->left.wait(left);
  if (waiting->wrong > 0) throw std::runtime_error("reads failed or gave another user");
}

template <class Read>
void measure_row(report& out, stack& on, const std::string& what, std::int64_t latency_ms,
                 std::size_t iterations, const Read& read) {
  user_database origin(latency_ms);
  counts counted;
  sample times;
  for (std::size_t number = 0; number < iterations; ++number) {
    const auto cache = on.make_cache();
    const stopwatch time;
    read(*cache, origin);
    times.add(time.seconds() * 1e3);
    counted.add(cache->stats());
    on.settle();
  }
  out.add_quantiles(on.name(), what, "time of an iteration", "ms", times);
  counted.report_rows(out, on.name(), fmt::format("{}, {} times", what, iterations),
                      origin.loads());
}

}  // namespace

void measure_cold_cache(report& out, const scenario_settings& settings) {
  const auto keys = make_user_keys(users);
  for (const stack_plan& plan : settings.stacks) {
    stack on(plan, settings.redis_url);
    for (const std::int64_t latency_ms : settings.latencies_ms) {
      const std::size_t most = settings.quick ? 1 : latency_ms >= 10 ? 5 : 20;
      const std::size_t iterations = std::min(settings.samples, most);
      measure_row(out, on, fmt::format("cold_cache, {} ms, 10 in turn", latency_ms), latency_ms,
                  iterations, [&](user_cache& cache, user_database& origin) {
                    read_one_by_one(cache, keys, on.how(), origin);
                  });
      measure_row(out, on, fmt::format("cold_cache, {} ms, 1,000 at once", latency_ms), latency_ms,
                  iterations, [&](user_cache& cache, user_database& origin) {
                    read_at_once(cache, keys, on.how(), origin);
                  });
    }
  }
}

}  // namespace lodestar::bench
