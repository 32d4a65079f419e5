// Goal: every event is counted once, under the names of its tier and cache and under no key, from
// any number of threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/prometheus_events.hpp>
#include <lodestar/swr/testing/steered_store.hpp>

namespace lodestar::swr {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(prometheus_events, counts_reads_by_outcome_and_times_them) {
  metrics_registry metrics;
  prometheus_events events(metrics);
  const read_event hit{.tier = "memory",
                       .cache = "users",
                       .key = "secret",
                       .hit = true,
                       .latency = nanoseconds(150)};
  events.read(hit);
  events.read(hit);
  read_event other = hit;
  other.state = freshness::stale;
  events.read(other);
  other.hit = false;
  events.read(other);
  other.failed = true;
  events.read(other);
  const std::string text = metrics.expose();
  const std::string name = R"(lodestar_swr_reads_total{tier="memory",cache="users",outcome=)";
  EXPECT_THAT(text, HasSubstr(name + "\"fresh\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "\"stale\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "\"miss\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(name + "\"error\"} 1\n"));
  const std::string bucket = R"(lodestar_swr_read_seconds_bucket{tier="memory",cache="users",le=)";
  EXPECT_THAT(text, HasSubstr(bucket + "\"1e-07\"} 0\n"));
  EXPECT_THAT(text, HasSubstr(bucket + "\"2e-07\"} 5\n"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

TEST(prometheus_events, counts_writes_and_removals_by_outcome) {
  metrics_registry metrics;
  prometheus_events events(metrics);
  events.written({.tier = "redis", .cache = "users", .latency = milliseconds(3)});
  events.written({.tier = "redis", .cache = "users", .failed = true});
  events.removed({.tier = "redis", .cache = "users", .keys = 3, .first_key = "secret"});
  events.removed({.tier = "redis", .cache = "users", .failed = true});
  const std::string text = metrics.expose();
  const std::string labels = R"({tier="redis",cache="users",outcome=)";
  for (const std::string name : {"lodestar_swr_writes_total", "lodestar_swr_removals_total"}) {
    EXPECT_THAT(text, HasSubstr(name + labels + "\"done\"} 1\n"));
    EXPECT_THAT(text, HasSubstr(name + labels + "\"error\"} 1\n"));
  }
  EXPECT_THAT(text, HasSubstr(R"(removed_keys_total{tier="redis",cache="users"} 3)"));
  EXPECT_THAT(text,
              HasSubstr(R"(lodestar_swr_write_seconds_sum{tier="redis",cache="users"} 0.003)"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

TEST(prometheus_events, has_a_bound_of_series) {
  metrics_registry metrics;
  prometheus_events events(metrics);
  for (std::size_t number = 0; number < prometheus_events::pairs_max + 10; ++number) {
    const std::string cache = std::to_string(number);
    events.written({.tier = "redis", .cache = cache});
  }
  events.written({.tier = "redis", .cache = "0"});
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr(R"(writes_total{tier="redis",cache="0",outcome="done"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(writes_total{tier="other",cache="other",outcome="done"} 10)"));
}

TEST(prometheus_events, hears_of_a_cache_over_a_tier_and_takes_over_what_they_count) {
  metrics_registry metrics;
  prometheus_events events(metrics);
  manual_clock time;
  manual_scheduler timer(time);
  const auto far = std::make_shared<testing::steered_store>(time, "far");
  const auto below =
      tiers::make({.tiers = {{.below = far}}, .time = &time, .timer = &timer, .events = &events});
  cache<std::string, std::string> users(
      {.name = "users", .below = below, .time = &time, .timer = &timer, .events = &events});
  users.get_or_load(
      "k", {}, {}, [](auto done) { done(loaded<std::string>{.value = "v"}); }, [](const auto&) {});
  static_cast<void>(users.peek("k"));
  far->set_down(true);
  users.remove("k", nullptr);
  events.update("users", users.stats());
  for (const tier_statistics& each : below->stats()) events.update(each);
  const std::string text = metrics.expose();
  EXPECT_THAT(text, HasSubstr(R"(reads_total{tier="memory",cache="users",outcome="fresh"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(reads_total{tier="memory",cache="users",outcome="miss"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(reads_total{tier="far",cache="users",outcome="miss"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(writes_total{tier="far",cache="users",outcome="done"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(removals_total{tier="far",cache="users",outcome="error"} 1)"));
  EXPECT_THAT(text, HasSubstr("lodestar_swr_cache_loads_total{cache=\"users\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_swr_cache_hits_total{cache=\"users\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_swr_cache_entries{cache=\"users\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_swr_tier_pending_writes{tier=\"far\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_swr_tier_breaker_open{tier=\"far\"} 0\n"));
}

TEST(prometheus_events, of_many_threads_are_all_counted) {
  metrics_registry metrics;
  prometheus_events events(metrics);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int number = 0; number < 4'000; ++number) {
        const std::string cache = std::to_string(number % 8);
        events.written({.tier = "redis", .cache = cache});
      }
    });
  }
  threads.clear();
  const std::string text = metrics.expose();
  for (int number = 0; number < 8; ++number) {
    std::string line = R"(writes_total{tier="redis",cache=")";
    line.append(std::to_string(number)).append("\",outcome=\"done\"} 2000\n");
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace lodestar::swr
