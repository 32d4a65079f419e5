// The facade (lib/swr) over memory, files and Redis: what a hit costs, what happens when nothing is
// there, and how many times the origin is asked. Every cache of every scenario has a name or a
// prefix of its own, so that none finds what another has stored, and the stacks take turns in an
// order that is drawn anew. What is said about hits and loads was counted, not inferred.
//
// REDIS_URL: a Redis to use instead of a private one. DB_LATENCY_MS: of the origin, instead of 0, 1
// and 50. BENCH_SAMPLE_SIZE: how many samples are taken at most, instead of 100.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include <lodestar/base/random.hpp>

#include "support/report.hpp"
#include "swr/redis.hpp"
#include "swr/scenarios.hpp"

namespace {

using namespace lodestar;
using namespace lodestar::bench;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

std::vector<stack_plan> plan_stacks(report& out, bool has_redis, random_source& random) {
  std::vector<stack_plan> plans = all_stacks();
  if (!has_redis) {
    out.note("left out: the stacks with Redis; install redis-server or set REDIS_URL");
    std::erase_if(plans, [](const stack_plan& each) { return each.redis; });
  }
  for (std::size_t left = plans.size(); left > 1; --left)
    std::swap(plans[left - 1], plans[random.next() % left]);
  return plans;
}

void measure(report& out, const arguments& given) {
  const auto own_redis = private_redis::start();
  scenario_settings settings;
  settings.quick = given.quick;
  settings.redis_url = variable("REDIS_URL");
  if (settings.redis_url.empty() && own_redis) settings.redis_url = own_redis->url();
  if (own_redis) settings.own_redis_port = own_redis->port();
  settings.latencies_ms = {0, 1};
  if (!given.quick) settings.latencies_ms.push_back(50);
  if (const auto latency = variable("DB_LATENCY_MS"); !latency.empty())
    settings.latencies_ms = {std::max(std::atoll(latency.c_str()), 0LL)};
  if (const auto samples = variable("BENCH_SAMPLE_SIZE"); !samples.empty())
    settings.samples = static_cast<std::size_t>(std::max(std::atoll(samples.c_str()), 1LL));

  using scenario = void (*)(report&, const scenario_settings&);
  for (const auto& [name, run_it] :
       {std::pair<const char*, scenario>("hot_cache", measure_hot_cache),
        {"cold_cache", measure_cold_cache},
        {"mixed_workload", measure_mixed_workload},
        {"stampede", measure_stampede},
        {"redis_pipeline", measure_redis_pipeline}}) {
    if (!given.wants(name)) continue;
    settings.stacks = plan_stacks(out, !settings.redis_url.empty(), system_random());
    run_it(out, settings);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run("swr", argc, argv, measure);
}
