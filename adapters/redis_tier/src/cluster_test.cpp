// Goal: commands reach the nodes that serve their slots, in order also while a slot moves, and a
// node that is lost is missed only where it is.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <lodestar/redis_tier/redis_tier.hpp>

#include "key_slot.hpp"
#include "tcp_gate.hpp"
#include "test_store.hpp"

namespace lodestar::redis_tier {
namespace {

using std::chrono::seconds;
using swr::testing::awaited_answer;
using swr::testing::blocking_store;
using swr::testing::found_bytes;

class redis_cluster_tier : public testing::Test {
 protected:
  void SetUp() override {
    servers = start_cluster();
    if (servers) store = connect_right({.url = servers->url()});
  }
  [[nodiscard]] static std::string stored(const std::string& key) { return "lodestar:" + key; }
  [[nodiscard]] std::size_t owner_of(const std::string& key) const {
    return servers->owner_of(key_slot(stored(key)));
  }
  // A key that the node serves at the beginning.
  [[nodiscard]] std::string key_at(std::size_t node) const {
    for (int number = 0;; ++number)
      if (owner_of(std::to_string(number)) == node) return std::to_string(number);
  }
  [[nodiscard]] std::string id_of(std::size_t node) const {
    return servers->node(node).ask({"CLUSTER", "MYID"});
  }
  void begin_to_move(std::uint16_t slot, std::size_t from, std::size_t to) const {
    const std::string number = std::to_string(slot);
    servers->node(to).ask({"CLUSTER", "SETSLOT", number, "IMPORTING", id_of(from)});
    servers->node(from).ask({"CLUSTER", "SETSLOT", number, "MIGRATING", id_of(to)});
  }
  void move_key(const std::string& key, std::size_t from, std::size_t to) const {
    servers->node(from).ask({"MIGRATE", "127.0.0.1", std::to_string(servers->node(to).port()),
                             stored(key), "0", "5000"});
  }
  void finish_move(std::uint16_t slot, std::size_t from, std::size_t to) const {
    const std::string id = id_of(to);
    for (const std::size_t node : {to, from})
      servers->node(node).ask({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", id});
  }

  std::unique_ptr<test::redis_cluster> servers;
  std::unique_ptr<client> store;
};

TEST_F(redis_cluster_tier, finds_the_nodes_from_one_of_them) {
  const auto port = std::to_string(servers->node(0).port());
  const auto nobody = std::to_string(test::free_port());
  store = connect_right({.url = "redis://127.0.0.1:" + nobody + ",127.0.0.1:" + port});
  blocking_store calls(*store);
  for (std::size_t node = 0; node < 3; ++node) {
    const std::string key = key_at(node);
    EXPECT_TRUE(calls.set(key, "value").has_value());
    EXPECT_EQ(servers->node(node).ask({"GET", stored(key)}), "value");
  }
}

TEST_F(redis_cluster_tier, clears_all_nodes) {
  blocking_store calls(*store);
  for (int key = 0; key < 500; ++key) ASSERT_TRUE(calls.set(std::to_string(key), "value"));
  servers->node(owner_of("x")).ask({"SET", "other{lodestar:x}", "1"});
  const auto cleared = calls.clear();
  EXPECT_TRUE(cleared.has_value()) << cleared.error().describe();
  std::size_t left = 0;
  for (std::size_t node = 0; node < 3; ++node)
    left += std::stoul(servers->node(node).ask({"DBSIZE"}));
  EXPECT_EQ(left, 1U) << "what is not its own";
}

TEST_F(redis_cluster_tier, keeps_the_order_while_a_slot_moves) {
  const std::string key = key_at(0);
  const std::uint16_t slot = key_slot(stored(key));
  blocking_store calls(*store);
  std::vector<awaited_answer<void>> written;
  struct expected_read {
    awaited_answer<found_bytes> answer;
    std::string value;
  };
  std::vector<expected_read> read;
  std::size_t from = 0;
  for (int round = 0; round < 3'000; ++round) {
    const std::size_t to = (from + 1) % 3;
    const std::string value = std::to_string(round);
    written.push_back(calls.begin_set(key, value));
    if (round % 3 == 0) read.push_back({calls.begin_get(key), value});
    if (round % 600 == 200) begin_to_move(slot, from, to);
    if (round % 600 == 300) move_key(key, from, to);
    if (round % 600 == 400) {
      finish_move(slot, from, to);
      from = to;
    }
  }
  for (auto& each : written) {
    const auto answer = each.wait();
    ASSERT_TRUE(answer.has_value()) << answer.error().describe();
  }
  for (auto& each : read) {
    const auto answer = each.answer.wait();
    ASSERT_TRUE(answer.has_value()) << answer.error().describe();
    EXPECT_EQ(*answer, each.value);
  }
  EXPECT_EQ(calls.get(key), "2999");
}

TEST_F(redis_cluster_tier, misses_a_lost_node_only_where_it_is) {
  blocking_store calls(*store);
  for (std::size_t node = 0; node < 3; ++node) ASSERT_TRUE(calls.set(key_at(node), "value"));
  servers->node(1).kill();
  // The others answer as long as they do not know of it either.
  EXPECT_TRUE(comes_true([&] {
    const auto answer = calls.get(key_at(1));
    EXPECT_TRUE(!answer || *answer == "value");
    return !answer && answer.error().code == error_code::unavailable;
  }));
  servers->node(1).start();
  EXPECT_TRUE(comes_true([&] { return calls.set(key_at(1), "again").has_value(); }));
  EXPECT_TRUE(comes_true([&] { return calls.get(key_at(0)).has_value(); }));
  EXPECT_EQ(calls.get(key_at(1)), "again");
}

TEST_F(redis_cluster_tier, is_unavailable_when_all_nodes_are) {
  blocking_store calls(*store);
  ASSERT_TRUE(calls.set("key", "value"));
  for (std::size_t node = 0; node < 3; ++node) servers->node(node).kill();
  EXPECT_TRUE(comes_true([&] {
    const auto answer = calls.get("key");
    return !answer && answer.error().code == error_code::unavailable;
  }));
  EXPECT_TRUE(comes_true([&] {
    bool inside = false;
    store->get("key", system_clock().now() + seconds(1), [&](const auto&) { inside = true; });
    return inside;
  })) << "it costs nothing then";
}

TEST(redis_cluster_redirections, are_bounded) {
  test::tcp_gate gate(1);
  const std::string port = std::to_string(gate.port());
  gate.behave({.answer = [&](const auto& words) {
    if (words[0] == "PING") return std::string("+PONG\r\n");
    if (words[0] == "CLUSTER")
      return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:" + port + "\r\n";
    return "-MOVED " + std::to_string(key_slot("lodestar:key")) + " 127.0.0.1:" + port + "\r\n";
  }});
  const auto store = connect_right({.url = "redis://127.0.0.1:" + port + ",127.0.0.1:" + port});
  const auto answer = blocking_store(*store).get("key");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, error_code::unavailable);
  EXPECT_TRUE(answer.error().message.contains("redirects")) << answer.error().describe();
}

TEST(redis_cluster_map, is_asked_for_until_it_comes) {
  test::tcp_gate gate(1);
  gate.behave({.answer = [](const auto& words) {
    return std::string(words[0] == "PING" ? "+PONG\r\n" : "*0\r\n");
  }});
  const std::string port = std::to_string(gate.port());
  const auto store = connect_right({.url = "redis://127.0.0.1:" + port + ",127.0.0.1:" + port});
  blocking_store calls(*store);
  EXPECT_EQ(calls.get("key").error().code, error_code::unavailable);
  EXPECT_EQ(calls.clear().error().code, error_code::unavailable);
  gate.behave({.answer = [&](const auto& words) {
    if (words[0] == "PING") return std::string("+PONG\r\n");
    if (words[0] == "CLUSTER")
      return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:" + port + "\r\n";
    return std::string("$5\r\nvalue\r\n");
  }});
  EXPECT_TRUE(comes_true([&] { return calls.get("key") == "value"; }, seconds(2)));
}

}  // namespace
}  // namespace lodestar::redis_tier
