// Goal: tasks run at their time, in order, once or never.
#include <gtest/gtest.h>

#include <latch>

#include "timer.hpp"

namespace lodestar::analytics {
namespace {

TEST(timer, runs_what_is_due_in_order) {
  manual_clock time;
  timer tested(time);
  std::latch done(2);
  std::string order;
  tested.schedule(time.now() + milliseconds(20), [&] {
    order += "b";
    done.count_down();
  });
  tested.schedule(time.now() + milliseconds(10), [&] {
    order += "a";
    done.count_down();
  });
  time.advance(milliseconds(30));
  done.wait();
  tested.stop();
  EXPECT_EQ(order, "ab");
}

TEST(timer, runs_nothing_before_its_time_or_after_cancel) {
  manual_clock time;
  timer tested(time);
  bool early = false;
  bool cancelled = false;
  std::latch done(1);
  tested.schedule(time.now() + milliseconds(100), [&] { early = true; });
  const auto ticket = tested.schedule(time.now() + milliseconds(1), [&] { cancelled = true; });
  EXPECT_TRUE(tested.cancel(ticket));
  EXPECT_FALSE(tested.cancel(ticket));
  tested.schedule(time.now() + milliseconds(2), [&] { done.count_down(); });
  time.advance(milliseconds(3));
  done.wait();
  tested.stop();
  EXPECT_FALSE(early);
  EXPECT_FALSE(cancelled);
}

TEST(timer, lets_tasks_schedule_tasks) {
  timer tested(system_clock());
  std::latch done(1);
  tested.schedule(system_clock().now(),
                  [&] { tested.schedule(system_clock().now(), [&] { done.count_down(); }); });
  done.wait();
}

TEST(timer, destroys_what_it_does_not_run) {
  auto held = std::make_shared<int>(1);
  timer tested(system_clock());
  tested.schedule(system_clock().now() + std::chrono::hours(1), [held] {});
  tested.stop();
  tested.schedule(system_clock().now(), [held] {});
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace lodestar::analytics
