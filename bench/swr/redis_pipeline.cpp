// Reads from Redis with so many requests under way, beside redis-benchmark with as long a pipeline:
// the same server, values of the same size, in turns.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <latch>
#include <semaphore>
#include <stdexcept>

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

/// So many reads under way: who is answered begins the next one, where the answer arrives.
class reader {
 public:
  reader(swr::store& store, const std::vector<std::string>& names, std::size_t reads)
      : store_(store), names_(names), reads_(reads) {}

  /// Reads a second.
  double run(std::size_t in_flight) {
    const stopwatch time;
    for (std::size_t begun = 0; begun < in_flight; ++begun) begin();
    answered_.wait();
    const double seconds = time.seconds();
    if (wrong_ > 0) throw std::runtime_error("a read of Redis gave something else");
    return static_cast<double>(reads_) / seconds;
  }

 private:
  void begin() {
    const std::size_t read = begun_.fetch_add(1, std::memory_order_relaxed);
    if (read >= reads_) return;
    store_.get(names_[read % keys], soon(), [this](const auto& bytes) {
      if (!bytes || !*bytes || (*bytes)->size() != value_bytes) ++wrong_;
      begin();
      answered_.count_down();
    });
  }

  swr::store& store_;
  const std::vector<std::string>& names_;
  const std::size_t reads_;
  std::atomic<std::size_t> begun_{0};
  std::atomic<std::size_t> wrong_{0};
  std::latch answered_{static_cast<std::ptrdiff_t>(reads_)};
};

std::string run_benchmark(std::uint16_t port, const char* test, unsigned clients,
                          std::size_t pipeline, std::size_t requests) {
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
  const auto names = make_keys();
  run_benchmark(settings.own_redis_port, "set", 1, 64, 20 * keys);
  for (const unsigned clients : {1U, 2U}) {
    const auto opened =
        redis_tier::open({.url = url, .key_prefix = "bench:", .connections = clients});
    if (!opened) throw std::runtime_error(opened.error().describe());
    fill(**opened, names);
    for (const std::size_t pipeline : {1U, 16U, 64U}) {
      const std::size_t full = pipeline == 1 ? 20'000 : 200'000;
      const std::size_t reads = clients * (settings.quick ? 1'000 : full);
      sample ours, theirs, ratio;
      for (int round = 0; round < (settings.quick ? 1 : 5); ++round) {
        const double mine = reader(**opened, names, reads).run(clients * pipeline);
        const double other =
            rate_of(run_benchmark(settings.own_redis_port, "get", clients, pipeline, reads));
        ours.add(mine);
        theirs.add(other);
        ratio.add(mine / other);
      }
      const auto what = fmt::format("redis_pipeline, {} connections x {}", clients, pipeline);
      out.add("redis_tier", what, "rate", "reads/s", ours.median());
      out.add("redis-benchmark", what, "rate", "reads/s", theirs.median());
      out.add("redis_tier / redis-benchmark", what, "ratio", "", ratio.median());
    }
  }
}

}  // namespace lodestar::bench
