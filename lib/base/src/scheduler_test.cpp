// Goal: tasks run in the order of their times and not before; what cannot be taken is refused; a
// stopped timer destroys what waits.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <vector>

#include <lodestar/base/scheduler.hpp>

namespace lodestar {
namespace {

using std::chrono::hours;

TEST(manual_scheduler, runs_what_is_due_in_the_order_of_time) {
  manual_clock time;
  manual_scheduler waiting(time);
  std::vector<int> ran;
  const auto begun = time.now();
  for (const int each : {3, 1, 2}) {
    EXPECT_TRUE(waiting.post_at(begun + milliseconds(each), [&ran, each] { ran.push_back(each); }));
  }
  EXPECT_EQ(waiting.next(), begun + milliseconds(1));
  EXPECT_EQ(waiting.run_due(), 0U);
  time.advance(milliseconds(2));
  EXPECT_EQ(waiting.run_due(), 2U);
  EXPECT_EQ(ran, (std::vector{1, 2}));
  EXPECT_EQ(waiting.pending(), 1U);
}

TEST(timer_thread, runs_what_is_due_in_the_order_of_time) {
  timer_thread timer("timer-test", 8);
  std::vector<int> ran;
  std::promise<void> done;
  const auto begun = system_clock().now();
  EXPECT_TRUE(timer.post_at(begun + milliseconds(20), [&] {
    ran.push_back(2);
    done.set_value();
  }));
  EXPECT_TRUE(timer.post_at(begun + milliseconds(10), [&] { ran.push_back(1); }));
  EXPECT_TRUE(timer.post_at(begun - hours(1), [&] { ran.push_back(0); }));
  done.get_future().wait();
  EXPECT_GE(system_clock().now(), begun + milliseconds(20));
  timer.stop();
  EXPECT_EQ(ran, (std::vector{0, 1, 2}));
}

TEST(timer_thread, takes_an_earlier_task_while_it_waits_for_a_later_one) {
  timer_thread timer("timer-test", 8);
  std::promise<void> done;
  EXPECT_TRUE(timer.post_at(system_clock().now() + hours(1), [] {}));
  EXPECT_TRUE(timer.post_at(system_clock().now(), [&] { done.set_value(); }));
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(timer_thread, refuses_more_than_it_may_hold_and_destroys_what_waits) {
  const auto life = std::make_shared<int>(0);
  timer_thread timer("timer-test", 2);
  const auto later = system_clock().now() + hours(1);
  EXPECT_TRUE(timer.post_at(later, [life] {}));
  EXPECT_TRUE(timer.post_at(later, [life] {}));
  EXPECT_FALSE(timer.post_at(later, [life] {}));
  EXPECT_EQ(life.use_count(), 3);
  timer.stop();
  EXPECT_EQ(life.use_count(), 1);
  EXPECT_FALSE(timer.post_at(later, [] {}));
}

}  // namespace
}  // namespace lodestar
