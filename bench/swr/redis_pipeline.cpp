// Reads from Redis with so many requests under way, beside redis-benchmark with as long a pipeline:
// the same server, values of the same size, in turns.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include <lodestar/redis_tier/redis_tier.hpp>

#include "support/process.hpp"
#include "swr/scenarios.hpp"

namespace lodestar::bench {
namespace {

constexpr std::size_t value_bytes = 100;
constexpr std::size_t keys = 1'000;

steady_time soon() {
  return system_clock().now() + std::chrono::seconds(10);
}

std::vector<std::string> make_keys() {
  std::vector<std::string> made;
  for (std::size_t number = 0; number < keys; ++number)
    made.push_back(fmt::format("key:{:012}", number));
  return made;
}

/// A thread that has so many reads under way, and begins another one when one is answered.
std::uint64_t read_all(swr::store& store, const std::vector<std::string>& names,
                       std::ptrdiff_t in_flight, std::size_t reads) {
  std::counting_semaphore<> free(in_flight);
  std::atomic<std::uint64_t> wrong{0};
  for (std::size_t read = 0; read < reads; ++read) {
    free.acquire();
    store.get(names[read % keys], soon(), [&](const auto& bytes) {
      if (!bytes || !*bytes || (*bytes)->size() != value_bytes) ++wrong;
      free.release();
    });
  }
  for (std::ptrdiff_t left = 0; left < in_flight; ++left) free.acquire();
  return wrong;
}

/// Reads a second.
double run_store(swr::store& store, const std::vector<std::string>& names, unsigned threads,
                 std::ptrdiff_t in_flight, std::size_t reads) {
  std::atomic<std::uint64_t> wrong{0};
  const stopwatch time;
  {
    std::vector<std::jthread> running;
    for (unsigned thread = 0; thread < threads; ++thread)
      running.emplace_back([&] { wrong += read_all(store, names, in_flight, reads); });
  }
  const double seconds = time.seconds();
  if (wrong > 0) throw std::runtime_error("a read of Redis gave something else");
  return static_cast<double>(threads * reads) / seconds;
}

std::string run_benchmark(std::uint16_t port, const char* test, unsigned clients,
                          std::ptrdiff_t pipeline, std::size_t requests) {
  return run_successfully({"redis-benchmark", "-h", "127.0.0.1", "-p", std::to_string(port), "-t",
                           test, "-c", std::to_string(clients), "-P", std::to_string(pipeline),
                           "-d", std::to_string(value_bytes), "-r", std::to_string(keys), "-n",
                           std::to_string(requests), "--csv"})
      .output;
}

/// "GET","123456.78",… → 123456.78
double rate_of(const std::string& printed) {
  const auto name = printed.find("\"GET\",\"");
  if (name == std::string::npos) throw std::runtime_error("redis-benchmark said: " + printed);
  return std::atof(printed.c_str() + name + 7);
}

void fill(swr::store& store, const std::vector<std::string>& names) {
  std::counting_semaphore<> written(0);
  for (const std::string& name : names) {
    store.set(name, shared_bytes(std::string(value_bytes, 'v')), std::chrono::hours(1), soon(),
              [&](const auto&) { written.release(); });
  }
  for (std::size_t left = 0; left < names.size(); ++left) written.acquire();
}

}  // namespace

void measure_redis_pipeline(report& out, const scenario_settings& settings) {
  if (settings.own_redis_port == 0 || !find_program("redis-benchmark"))
    return out.note("left out: redis_pipeline; install redis-server and redis-tools");
  const auto url = fmt::format("redis://127.0.0.1:{}", settings.own_redis_port);
  const auto opened = redis_tier::open({.url = url, .key_prefix = "bench:"});
  if (!opened) throw std::runtime_error(opened.error().describe());
  swr::store& store = **opened;
  const auto names = make_keys();
  fill(store, names);
  run_benchmark(settings.own_redis_port, "set", 1, 64, 20 * keys);
  for (const unsigned threads : {1U, 2U}) {
    for (const std::ptrdiff_t in_flight : {1, 16, 64}) {
      const std::size_t full = in_flight == 1 ? 20'000 : 200'000;
      const std::size_t reads = settings.quick ? 1'000 : full;
      sample ours, theirs, ratio;
      for (int round = 0; round < (settings.quick ? 1 : 5); ++round) {
        const double mine = run_store(store, names, threads, in_flight, reads);
        const double other = rate_of(
            run_benchmark(settings.own_redis_port, "get", threads, in_flight, threads * reads));
        ours.add(mine);
        theirs.add(other);
        ratio.add(mine / other);
      }
      const auto what = fmt::format("redis_pipeline, {} threads x {}", threads, in_flight);
      out.add("redis_tier", what, "rate", "reads/s", ours.median());
      out.add("redis-benchmark", what, "rate", "reads/s", theirs.median());
      out.add("redis_tier / redis-benchmark", what, "ratio", "", ratio.median());
    }
  }
}

}  // namespace lodestar::bench
