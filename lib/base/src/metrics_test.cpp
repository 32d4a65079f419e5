#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include <lodestar/base/metrics.hpp>

namespace lodestar {
namespace {

using testing::HasSubstr;

TEST(metrics_test, writes_the_prometheus_text_format) {
  metrics_registry registry;
  registry.make_counter("lodestar_a_total", "Things.").add(3);
  registry.make_gauge("lodestar_b", "Level.", {{"tier", "memory"}}).set(-5);
  registry.make_gauge("lodestar_b", "Level.", {{"tier", "disk"}}).add(2);
  EXPECT_EQ(registry.expose(),
            "# HELP lodestar_a_total Things.\n# TYPE lodestar_a_total counter\nlodestar_a_total 3\n"
            "# HELP lodestar_b Level.\n# TYPE lodestar_b gauge\n"
            "lodestar_b{tier=\"disk\"} 2\nlodestar_b{tier=\"memory\"} -5\n");
}

TEST(metrics_test, the_same_name_and_labels_are_the_same_metric) {
  metrics_registry registry;
  auto& metric = registry.make_counter("lodestar_a_total", "Things.");
  EXPECT_EQ(&metric, &registry.make_counter("lodestar_a_total", "Things."));
  EXPECT_NE(&metric, &registry.make_counter("lodestar_a_total", "Things.", {{"x", "1"}}));
}

TEST(metrics_test, a_labels_value_may_be_any_text) {
  metrics_registry registry;
  registry.make_counter("lodestar_a_total", "Things.", {{"type", "a\"b\\c\nd"}, {"x", ""}}).add(1);
  EXPECT_THAT(registry.expose(),
              HasSubstr("\nlodestar_a_total{type=\"a\\\"b\\\\c\\nd\",x=\"\"} 1\n"));
}

TEST(metrics_death_test, a_name_stands_for_one_kind) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  metrics_registry registry;
  static_cast<void>(registry.make_counter("lodestar_a_total", "Things."));
  EXPECT_DEATH(static_cast<void>(registry.make_gauge("lodestar_a_total", "Things.")), "one kind");
}

TEST(metrics_test, a_histograms_buckets_are_cumulative) {
  metrics_registry registry;
  auto& metric = registry.make_histogram("lodestar_wait_seconds", "Wait.", {{"q", "x"}});
  metric.observe_us(-1);
  metric.observe_us(100);
  metric.observe_us(101);
  metric.observe_us(1'000'000);
  metric.observe_us(1'000'000'000'000);
  EXPECT_EQ(metric.count(), 5U);
  const auto text = registry.expose();
  EXPECT_THAT(text, HasSubstr("# TYPE lodestar_wait_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_wait_seconds_bucket{q=\"x\",le=\"0.0001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_wait_seconds_bucket{q=\"x\",le=\"0.0002\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_wait_seconds_bucket{q=\"x\",le=\"1.6384\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_wait_seconds_bucket{q=\"x\",le=\"+Inf\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_wait_seconds_count{q=\"x\"} 5\n"));
}

TEST(metrics_test, a_histogram_tells_the_durations_of_its_range_apart) {
  metrics_registry registry;
  auto& metric = registry.make_histogram("lodestar_a_seconds", "Time.", {}, look_ups_range);
  metric.observe(nanoseconds(100));
  metric.observe(nanoseconds(101));
  metric.observe(std::chrono::seconds(3));
  metric.observe(std::chrono::hours(1));
  const auto text = registry.expose();
  EXPECT_THAT(text, HasSubstr("lodestar_a_seconds_bucket{le=\"1e-07\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_a_seconds_bucket{le=\"2e-07\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_a_seconds_bucket{le=\"1.6777216\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_a_seconds_bucket{le=\"3.3554432\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("lodestar_a_seconds_bucket{le=\"+Inf\"} 4\n"));
}

TEST(metrics_test, a_counter_that_follows_another_one_never_goes_back) {
  counter count;
  count.raise_to(7);
  count.raise_to(5);
  EXPECT_EQ(count.value(), 7U);
  count.raise_to(8);
  EXPECT_EQ(count.value(), 8U);
}

TEST(metrics_test, updates_from_many_threads_all_count) {
  metrics_registry registry;
  auto& count = registry.make_counter("lodestar_a_total", "Things.");
  auto& time = registry.make_histogram("lodestar_b_seconds", "Time.");
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int index = 0; index < 10'000; ++index) {
          count.add();
          time.observe_us(index);
        }
        static_cast<void>(registry.expose());
      });
    }
  }
  EXPECT_EQ(count.value(), 40'000U);
  EXPECT_EQ(time.count(), 40'000U);
}

}  // namespace
}  // namespace lodestar
