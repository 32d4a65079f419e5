// Goal: a quantile is at most a sixteenth above the true one, over the whole range.
#include "support/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace lodestar::bench {
namespace {

TEST(latency_histogram, is_exact_for_small_values) {
  latency_histogram histogram;
  for (std::uint64_t ticks = 0; ticks < 16; ++ticks) histogram.record(ticks);
  EXPECT_EQ(histogram.count(), 16U);
  EXPECT_EQ(histogram.quantile(0.5), 7U);
  EXPECT_EQ(histogram.quantile(1), 15U);
}

TEST(latency_histogram, is_close_for_every_size) {
  for (std::uint64_t ticks = 16; ticks < (std::uint64_t{1} << 60); ticks = ticks * 5 / 4 + 1) {
    latency_histogram histogram;
    histogram.record(ticks);
    EXPECT_GE(histogram.quantile(0.5), ticks);
    EXPECT_LE(histogram.quantile(0.5), ticks + ticks / 16);
  }
}

TEST(latency_histogram, orders_what_it_counted) {
  latency_histogram histogram;
  for (std::uint64_t ticks = 1; ticks <= 10'000; ++ticks) histogram.record(ticks);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5)), 5'000, 5'000 / 16);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.99)), 9'900, 9'900 / 16);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.999)), 9'990, 9'990 / 16);
}

TEST(latency_histogram, adds_another_one) {
  latency_histogram one;
  latency_histogram other;
  one.record(1);
  for (int time = 0; time < 3; ++time) other.record(10);
  one.add(other);
  EXPECT_EQ(one.count(), 4U);
  EXPECT_EQ(one.quantile(0.25), 1U);
  EXPECT_EQ(one.quantile(0.26), 10U);
}

TEST(latency_histogram, takes_the_largest_value_and_has_no_quantile_of_nothing) {
  latency_histogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0U);
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  histogram.record(largest);
  EXPECT_EQ(histogram.quantile(0.5), largest);
}

}  // namespace
}  // namespace lodestar::bench
