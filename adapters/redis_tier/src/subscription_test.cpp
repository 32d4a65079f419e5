// Goal: who listens to a channel gets what is published while it is connected, knows when it was
// not, and comes back by itself.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <lodestar/redis_tier/client.hpp>

#include "tcp_gate.hpp"
#include "test_store.hpp"

namespace lodestar::redis_tier {
namespace {

using std::chrono::seconds;
using swr::testing::awaited_answer;

class redis_subscription : public testing::Test {
 protected:
  void SetUp() override {
    server = start_server();
    if (!server) return;
    gate = std::make_unique<test::tcp_gate>(server->port());
    redis = connect_right({.url = gate->url()});
  }
  [[nodiscard]] std::unique_ptr<subscription> listen(const std::string& channel) {
    return redis->subscribe(channel, {.on_message =
                                          [this](std::string_view payload) {
                                            const std::lock_guard lock(mutex);
                                            heard.emplace_back(payload);
                                          },
                                      .on_connected = [this] { ++connected; },
                                      .on_lost = [this](const error&) { ++lost; }});
  }
  result<void> publish(std::string_view channel, std::string_view payload) {
    awaited_answer<void> answer;
    redis->publish(channel, payload, system_clock().now() + seconds(2), answer.handler());
    return answer.wait();
  }
  [[nodiscard]] std::vector<std::string> all_heard() {
    const std::lock_guard lock(mutex);
    return heard;
  }

  std::unique_ptr<test::redis_server> server;
  std::unique_ptr<test::tcp_gate> gate;
  std::mutex mutex;
  std::vector<std::string> heard;
  std::atomic<int> connected = 0;
  std::atomic<int> lost = 0;
  std::unique_ptr<client> redis;
};

TEST_F(redis_subscription, hears_what_is_published_in_order) {
  const auto listening = listen("channel");
  ASSERT_TRUE(comes_true([&] { return connected == 1; }));
  const std::string bytes("\0\r\n\xff", 4);
  EXPECT_TRUE(publish("channel", bytes).has_value());
  EXPECT_TRUE(publish("another", "not this").has_value());
  for (int message = 0; message < 100; ++message)
    EXPECT_TRUE(publish("channel", std::to_string(message)).has_value());
  ASSERT_TRUE(comes_true([&] { return all_heard().size() == 101; }));
  EXPECT_EQ(heard.front(), bytes);
  for (std::size_t message = 0; message < 100; ++message)
    EXPECT_EQ(heard[message + 1], std::to_string(message));
  EXPECT_EQ(lost, 0);
}

TEST_F(redis_subscription, comes_back_by_itself) {
  const auto listening = listen("channel");
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(comes_true([&] { return connected == round; }, seconds(3)));
    ASSERT_TRUE(comes_true([&] { return publish("channel", "message").has_value(); }));
    ASSERT_TRUE(comes_true([&] { return all_heard().size() == static_cast<std::size_t>(round); }));
    EXPECT_EQ(lost, round - 1);
    if (round == 1) gate->reset_connections();
    if (round == 2) {
      server->kill();
      ASSERT_TRUE(comes_true([&] { return lost == round; }));
      server->start();
    }
  }
}

TEST_F(redis_subscription, finds_out_that_the_server_is_silent) {
  const auto listening = listen("channel");
  ASSERT_TRUE(comes_true([&] { return connected == 1; }));
  server->pause();
  EXPECT_TRUE(comes_true([&] { return lost == 1; }));
  server->resume();
  EXPECT_TRUE(comes_true([&] { return connected == 2; }, seconds(2)));
}

TEST_F(redis_subscription, says_nothing_when_it_has_ended) {
  for (int round = 0; round < 50; ++round) {
    auto listening = listen("channel");
    if (round % 2 == 0) {
      ASSERT_TRUE(comes_true([&] { return connected > 0; }));
    }
    listening.reset();
    const auto before = connected.exchange(0);
    EXPECT_LE(before, 1);
  }
  EXPECT_TRUE(publish("channel", "message").has_value());
  EXPECT_TRUE(all_heard().empty());
}

TEST_F(redis_subscription, may_be_ended_by_its_own_callback) {
  std::unique_ptr<subscription> listening;
  std::atomic<bool> ended = false;
  listening = redis->subscribe("channel", {.on_message = [&](std::string_view) {
                                 listening.reset();
                                 ended = true;
                               }});
  ASSERT_TRUE(comes_true([&] {
    EXPECT_TRUE(publish("channel", "message").has_value());
    return ended.load();
  }));
}

TEST_F(redis_subscription, tells_who_publishes_that_it_cannot) {
  gate->behave({.refuses = true});
  EXPECT_TRUE(comes_true([&] {
    const auto answer = publish("channel", "message");
    return !answer && answer.error().code == error_code::unavailable;
  }));
}

TEST(redis_subscription_in_a_cluster, hears_what_any_node_is_told) {
  const auto servers = start_cluster();
  if (!servers) return;
  const auto redis = connect_right({.url = servers->url()});
  std::atomic<bool> connected = false;
  std::atomic<int> heard = 0;
  const auto listening =
      redis->subscribe("channel", {.on_message = [&](std::string_view) { ++heard; },
                                   .on_connected = [&] { connected = true; }});
  ASSERT_TRUE(comes_true([&] { return connected.load(); }));
  for (std::size_t node = 0; node < 3; ++node)
    servers->node(node).ask({"PUBLISH", "channel", "message"});
  EXPECT_TRUE(comes_true([&] { return heard == 3; }));
}

}  // namespace
}  // namespace lodestar::redis_tier
