#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
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
  constexpr int tasks = 10'000;
  std::atomic<int> ran{0};
  std::latch all(tasks);
  thread_pool pool("test", 4, tasks);
  EXPECT_EQ(pool.size(), 4U);
  for (int index = 0; index < tasks; ++index) {
    ASSERT_TRUE(pool.post([&] {
      ran.fetch_add(1);
      all.count_down();
    }));
  }
  all.wait();
  EXPECT_EQ(ran.load(), tasks);
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
  EXPECT_EQ(ran.load(), 10);
  blocked.count_down();
}

TEST(thread_pool_test, stop_waits_for_the_running_task_and_destroys_the_others) {
  std::latch reached(1), blocked(1);
  bool finished = false, ran = false;
  auto told = std::make_shared<int>();
  thread_pool pool("test", 1, 1'000'000);
  ASSERT_TRUE(pool.post([&] {
    reached.count_down();
    blocked.wait();
    finished = true;
  }));
  reached.wait();
  ASSERT_TRUE(pool.post([&ran, told] { ran = true; }));
  std::jthread stopping([&] { pool.stop(); });
  // Refused from when stop() was called: then the waiting task cannot run any more.
  while (pool.post([] {})) std::this_thread::yield();
  blocked.count_down();
  stopping.join();
  EXPECT_TRUE(finished);
  EXPECT_FALSE(ran);
  EXPECT_EQ(told.use_count(), 1) << "what waited was destroyed";
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
