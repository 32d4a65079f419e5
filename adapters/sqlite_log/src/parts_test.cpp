// The small parts by themselves: remembered stream heads, the hub of tails.
#include <gtest/gtest.h>

#include <latch>
#include <optional>
#include <thread>

#include "stream_heads.hpp"
#include "tail_hub.hpp"

namespace lodestar::sqlite_log {
namespace {

TEST(stream_heads_test, finds_what_was_added) {
  stream_heads heads(10);
  EXPECT_EQ(heads.find("A", "1"), nullptr);
  heads.add("A", "1", 7);
  ASSERT_NE(heads.find("A", "1"), nullptr);
  EXPECT_EQ(*heads.find("A", "1"), 7);
}

TEST(stream_heads_test, is_bounded_and_keeps_what_is_used) {
  stream_heads heads(10);
  heads.add("hot", "stream", 1);
  for (int stream = 0; stream < 1000; ++stream) {
    heads.add("A", std::to_string(stream), 1);
    ASSERT_NE(heads.find("hot", "stream"), nullptr);
    EXPECT_LE(heads.size(), 10U);
  }
  EXPECT_EQ(heads.find("A", "0"), nullptr);
  heads.clear();
  EXPECT_EQ(heads.size(), 0U);
}

TEST(tail_hub_test, wakes_all_until_they_end) {
  tail_hub hub;
  log::position first = 0, second = 0;
  auto one = hub.subscribe([&](log::position at) { first = at; });
  const auto two = hub.subscribe([&](log::position at) { second = at; });
  hub.wake(1);
  one.reset();
  hub.wake(2);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
}

TEST(tail_hub_test, a_callback_may_end_itself_and_others) {
  tail_hub hub;
  int wakes = 0;
  std::unique_ptr<log::tail_subscription> one, two;
  one = hub.subscribe([&](log::position) {
    ++wakes;
    one.reset();
    two.reset();
  });
  two = hub.subscribe([&](log::position) { ++wakes; });
  hub.wake(1);
  hub.wake(2);
  EXPECT_EQ(wakes, 1);
}

TEST(tail_hub_test, a_callback_may_subscribe) {
  tail_hub hub;
  int wakes = 0;
  std::unique_ptr<log::tail_subscription> inner;
  const auto outer = hub.subscribe([&](log::position) {
    if (!inner) inner = hub.subscribe([&](log::position) { ++wakes; });
  });
  hub.wake(1);
  hub.wake(2);
  EXPECT_EQ(wakes, 1);
}

TEST(tail_hub_test, a_subscription_may_outlive_the_hub) {
  std::optional<tail_hub> hub(std::in_place);
  auto subscription = hub->subscribe([](log::position) {});
  hub.reset();
  subscription.reset();
}

// After the destructor returned the callback does not run.
TEST(tail_hub_test, ending_waits_for_a_running_callback) {
  tail_hub hub;
  std::latch running(1);
  std::atomic<bool> ended{false}, returned{false};
  auto subscription = hub.subscribe([&](log::position) {
    running.count_down();
    for (int spin = 0; spin < 1000; ++spin) {
      EXPECT_FALSE(ended.load());
      std::this_thread::yield();
    }
    returned = true;
  });
  std::jthread waker([&] { hub.wake(1); });
  running.wait();
  subscription.reset();
  EXPECT_TRUE(returned.load());
  ended = true;
}

TEST(tail_hub_test, subscribing_and_ending_race_with_wakes) {
  tail_hub hub;
  std::atomic<bool> stop{false};
  std::jthread waker([&] {
    for (log::position at = 1; !stop; ++at) hub.wake(at);
  });
  for (int round = 0; round < 2000; ++round) {
    auto value = std::make_unique<log::position>(0);
    const auto subscription = hub.subscribe([&value](log::position at) { *value = at; });
  }
  stop = true;
}

}  // namespace
}  // namespace lodestar::sqlite_log
