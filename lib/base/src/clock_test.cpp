#include <gtest/gtest.h>

#include <lodestar/base/clock.hpp>

namespace lodestar {
namespace {

TEST(clock_test, the_manual_clock_moves_only_when_told) {
  manual_clock time(5'000'000);
  const auto start = time.now();
  EXPECT_EQ(time.now(), start);
  EXPECT_EQ(time.wall_us(), 5'000'000);
  time.advance(milliseconds(3));
  EXPECT_EQ(time.now() - start, milliseconds(3));
  EXPECT_EQ(time.wall_us(), 5'003'000);
}

TEST(clock_test, the_wall_clock_can_jump_alone) {
  manual_clock time;
  const auto start = time.now();
  time.set_wall_us(7);
  EXPECT_EQ(time.wall_us(), 7);
  EXPECT_EQ(time.now(), start);
}

TEST(clock_test, a_recent_time_is_not_later_and_not_much_earlier) {
  for (int round = 0; round < 1'000; ++round) {
    const auto before = system_clock().now();
    const auto recent = system_clock().recent();
    EXPECT_LE(recent, system_clock().now());
    EXPECT_GE(recent, before - clock::recent_lag_max);
  }
  manual_clock time;
  time.advance(milliseconds(3));
  EXPECT_EQ(time.recent(), time.now());
}

TEST(clock_test, the_machines_clocks_are_plausible) {
  const auto first = system_clock().now();
  EXPECT_LE(first, system_clock().now());
  constexpr std::int64_t year_2024_us = 1'704'067'200'000'000;
  EXPECT_GT(system_clock().wall_us(), year_2024_us);
}

TEST(clock_test, the_recent_wall_clock_is_not_far_behind) {
  const auto lag_us = std::chrono::duration_cast<microseconds>(clock::recent_lag_max).count();
  for (int round = 0; round < 1'000; ++round) {
    const auto before = system_clock().wall_us();
    const auto recent = system_clock().recent_wall_us();
    EXPECT_LE(recent, system_clock().wall_us());
    EXPECT_GE(recent, before - lag_us);
  }
  const manual_clock manual(5);
  EXPECT_EQ(manual.recent_wall_us(), 5);
}

}  // namespace
}  // namespace lodestar
