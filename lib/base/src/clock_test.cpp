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

TEST(clock_test, the_machines_clocks_are_plausible) {
  const auto first = system_clock().now();
  EXPECT_LE(first, system_clock().now());
  constexpr std::int64_t year_2024_us = 1'704'067'200'000'000;
  EXPECT_GT(system_clock().wall_us(), year_2024_us);
}

}  // namespace
}  // namespace lodestar
