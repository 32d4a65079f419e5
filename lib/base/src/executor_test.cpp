#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <optional>
#include <thread>

#include <lodestar/base/executor.hpp>

namespace lodestar {
namespace {

TEST(inline_executor_test, runs_at_once) {
  inline_executor runner;
  bool ran = false;
  EXPECT_TRUE(runner.post([&] { ran = true; }));
  EXPECT_TRUE(ran);
}

TEST(manual_executor_test, runs_in_order_when_told) {
  manual_executor runner;
  std::string order;
  EXPECT_FALSE(runner.run_one());
  ASSERT_TRUE(runner.post([&] { order += 'a'; }));
  ASSERT_TRUE(runner.post([&] { order += 'b'; }));
  EXPECT_EQ(runner.pending(), 2U);
  EXPECT_TRUE(runner.run_one());
  EXPECT_EQ(order, "a");
  EXPECT_EQ(runner.run_all(), 1U);
  EXPECT_EQ(order, "ab");
}

TEST(manual_executor_test, runs_what_a_task_posts) {
  manual_executor runner;
  int ran = 0;
  ASSERT_TRUE(runner.post([&] {
    ++ran;
    ASSERT_TRUE(runner.post([&] { ++ran; }));
  }));
  EXPECT_EQ(runner.run_all(), 2U);
  EXPECT_EQ(ran, 2);
}

TEST(thread_pool_test, runs_every_task_once) {
  std::atomic<int> ran{0};
  {
    thread_pool pool("test", 4, 10'000);
    EXPECT_EQ(pool.size(), 4U);
    for (int index = 0; index < 10'000; ++index) {
      // More than the queue holds are never waiting: the pool drains while this posts.
      while (!pool.post([&] { ran.fetch_add(1); })) std::this_thread::yield();
    }
  }
  EXPECT_EQ(ran.load(), 10'000);
}

TEST(thread_pool_test, refuses_beyond_its_bound_and_leaves_the_task_alone) {
  std::latch reached(1), blocked(1);
  std::atomic<int> ran{0};
  thread_pool pool("test", 1, 2);
  ASSERT_TRUE(pool.post([&] {
    reached.count_down();
    blocked.wait();
  }));
  reached.wait();
  EXPECT_TRUE(pool.post([&] { ran.fetch_add(1); }));
  EXPECT_TRUE(pool.post([&] { ran.fetch_add(1); }));
  task refused = [&] { ran.fetch_add(10); };
  EXPECT_FALSE(pool.post(std::move(refused)));
  ASSERT_TRUE(static_cast<bool>(refused));
  refused();
  blocked.count_down();
  pool.stop();
  EXPECT_EQ(ran.load(), 12);
}

TEST(thread_pool_test, stop_runs_what_is_queued_and_takes_no_more) {
  std::atomic<int> ran{0};
  thread_pool pool("test", 1, 100);
  for (int index = 0; index < 100; ++index) {
    if (!pool.post([&] { ran.fetch_add(1); })) ran.fetch_add(1);
  }
  pool.stop();
  EXPECT_EQ(ran.load(), 100);
  EXPECT_FALSE(pool.post([] {}));
  pool.stop();
}

TEST(thread_pool_test, a_task_may_post) {
  std::latch done(1);
  thread_pool pool("test", 1, 10);
  ASSERT_TRUE(pool.post([&] { EXPECT_TRUE(pool.post([&] { done.count_down(); })); }));
  done.wait();
}

}  // namespace
}  // namespace lodestar
