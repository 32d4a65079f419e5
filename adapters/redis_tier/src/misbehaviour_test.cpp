// Goal: whatever a server or the way to it does, every call is answered by its deadline, costs next
// to nothing while the server is away, and the store heals within two seconds.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/redis_tier/redis_tier.hpp>

#include "tcp_gate.hpp"
#include "test_store.hpp"

namespace lodestar::redis_tier {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using swr::testing::awaited_answer;
using swr::testing::found_bytes;

// A deadline is kept to within what a busy machine takes to run a thread.
constexpr milliseconds allowed{50};
constexpr milliseconds late_max{1'000};
constexpr seconds heals_within{2};

class redis_misbehaviour : public testing::Test {
 protected:
  void SetUp() override {
    server = start_server();
    if (!server) return;
    gate.emplace(server->port());
    store = connect_right({.url = gate->url()});
    ASSERT_TRUE(set("key", "value"));
  }

  [[nodiscard]] result<found_bytes> get(nanoseconds within = allowed) {
    awaited_answer<found_bytes> answer;
    const auto begin = system_clock().now();
    store->get("key", begin + within,
               [tell = answer.handler()](const auto& bytes) { tell(swr::testing::kept(bytes)); });
    auto outcome = answer.wait();
    EXPECT_LT(system_clock().now() - begin, within + late_max) << "not answered by its deadline";
    return outcome;
  }
  result<void> set(std::string_view key, std::string bytes, nanoseconds within = seconds(2)) {
    awaited_answer<void> answer;
    store->set(key, shared_bytes(std::move(bytes)), hours(1), system_clock().now() + within,
               answer.handler());
    return answer.wait();
  }
  [[nodiscard]] error_code failure(nanoseconds within = allowed) {
    const auto outcome = get(within);
    EXPECT_FALSE(outcome.has_value());
    return outcome ? error_code::internal : outcome.error().code;
  }
  [[nodiscard]] bool becomes_unavailable() {
    return comes_true([&] { return failure() == error_code::unavailable; });
  }
  // Also that it has the value, where it should still be there.
  void expect_to_heal(bool keeps_value = true) {
    std::string why;
    EXPECT_TRUE(comes_true(
        [&] {
          const auto outcome = get();
          if (!outcome) why = outcome.error().describe();
          return outcome && (!keeps_value || *outcome == "value");
        },
        heals_within))
        << why;
    EXPECT_TRUE(set("other", "value"));
  }
  void expect_to_cost_nothing() {
    std::vector<nanoseconds> costs;
    for (int round = 0; round < 999; ++round) {
      const auto begin = std::chrono::steady_clock::now();
      bool answered = false;
      store->get("key", begin + seconds(10), [&](const auto& bytes) { answered = !bytes; });
      costs.push_back(std::chrono::steady_clock::now() - begin);
      ASSERT_TRUE(answered) << "it is answered inside the call while there is no connection";
    }
    std::ranges::sort(costs);
    EXPECT_LE(costs[costs.size() / 2], microseconds(50) * slowed_down);
    RecordProperty("median_ns", static_cast<int>(costs[costs.size() / 2].count()));
  }

  std::unique_ptr<test::redis_server> server;
  std::optional<test::tcp_gate> gate;
  std::unique_ptr<client> store;
};

TEST_F(redis_misbehaviour, begins_without_a_server) {
  gate->behave({.refuses = true});
  store = connect_right({.url = gate->url()});
  EXPECT_EQ(failure(seconds(1)), error_code::unavailable);
  expect_to_cost_nothing();
  gate->behave({});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, outlives_a_server_that_is_killed) {
  server->kill();
  EXPECT_TRUE(becomes_unavailable());
  expect_to_cost_nothing();
  server->start();
  expect_to_heal(false);
}

TEST_F(redis_misbehaviour, finds_out_that_a_server_is_stopped) {
  server->pause();
  EXPECT_EQ(failure(), error_code::deadline_exceeded);
  EXPECT_TRUE(becomes_unavailable()) << "the connection that owes a reply for long is closed";
  expect_to_cost_nothing();
  EXPECT_EQ(failure(), error_code::unavailable) << "it was not there in the meantime either";
  server->resume();
  expect_to_heal();
}

TEST_F(redis_misbehaviour, finds_out_without_being_called) {
  const std::size_t before = gate->connections();
  server->pause();
  EXPECT_TRUE(comes_true([&] { return gate->connections() > before; }));
  EXPECT_EQ(failure(), error_code::unavailable);
  server->resume();
  expect_to_heal();
}

TEST_F(redis_misbehaviour, goes_on_where_a_pause_was_short) {
  const std::size_t before = gate->connections();
  server->pause();
  EXPECT_EQ(failure(), error_code::deadline_exceeded);
  server->resume();
  expect_to_heal();
  EXPECT_EQ(gate->connections(), before) << "the late reply was thrown away in its place";
}

TEST_F(redis_misbehaviour, is_refused_a_connection) {
  gate->behave({.refuses = true});
  EXPECT_TRUE(becomes_unavailable());
  expect_to_cost_nothing();
  gate->behave({});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, meets_a_black_hole) {
  gate->behave({.swallows = true});
  EXPECT_EQ(failure(), error_code::deadline_exceeded);
  EXPECT_TRUE(becomes_unavailable());
  expect_to_cost_nothing();
  gate->behave({});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, begins_in_a_black_hole) {
  gate->behave({.swallows = true});
  store = connect_right({.url = gate->url()});
  EXPECT_EQ(failure(), error_code::deadline_exceeded) << "waits for the first attempt, not longer";
  EXPECT_EQ(failure(seconds(5)), error_code::unavailable) << "the first attempt is bounded";
  expect_to_cost_nothing();
  gate->behave({});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, is_reset) {
  for (int round = 0; round < 3; ++round) {
    gate->reset_connections();
    expect_to_heal();
  }
}

TEST_F(redis_misbehaviour, gets_half_a_reply) {
  ASSERT_TRUE(set("key", std::string(100'000, 'v')));
  gate->behave({.reply_bytes_max = 50'000});
  EXPECT_EQ(failure(seconds(1)), error_code::unavailable);
  gate->behave({});
  expect_to_heal(false);
  EXPECT_EQ(get(seconds(1)), std::string(100'000, 'v'));
}

TEST_F(redis_misbehaviour, gets_replies_byte_by_byte) {
  gate->behave({.slice_bytes = 1});
  ASSERT_TRUE(set("key", std::string(2'000, 'v')));
  for (int round = 0; round < 10; ++round) EXPECT_EQ(get(seconds(5)), std::string(2'000, 'v'));
}

TEST_F(redis_misbehaviour, gets_replies_late) {
  gate->behave({.delay_min = milliseconds(100), .delay_max = milliseconds(100)});
  for (int round = 0; round < 20; ++round)
    EXPECT_EQ(failure(milliseconds(20)), error_code::deadline_exceeded);
  gate->behave({});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, gets_what_is_not_the_protocol) {
  gate->behave({.corrupts = true});
  EXPECT_EQ(failure(seconds(1)), error_code::corrupt);
  EXPECT_TRUE(comes_true([&] {
    const auto outcome = get();
    EXPECT_FALSE(outcome.has_value());
    return !outcome;
  }));
  gate->behave({});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, gets_a_reply_that_nobody_asked_for) {
  gate->behave({.answer = [](const auto& words) {
    return std::string(words[0] == "GET" ? "$1\r\na\r\n$1\r\nb\r\n" : "+PONG\r\n");
  }});
  EXPECT_TRUE(comes_true([&] { return get() == "a"; }));
  EXPECT_TRUE(comes_true([&] {
    const auto outcome = get();
    EXPECT_TRUE(!outcome || *outcome == "a");
    return !outcome;
  }));
  gate->behave({});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, gets_a_reply_larger_than_a_value_may_be) {
  store = connect_right({.url = gate->url(), .value_bytes_max = 1'000});
  server->ask({"SET", "lodestar:key", std::string(20U << 20, 'v')});
  EXPECT_EQ(failure(seconds(2)), error_code::corrupt);
  server->ask({"SET", "lodestar:key", "value"});
  expect_to_heal();
}

// --- what the server says

TEST_F(redis_misbehaviour, waits_while_the_server_loads) {
  gate->behave({.answer = [](const auto&) {
    return std::string("-LOADING Redis is loading the dataset in memory\r\n");
  }});
  EXPECT_TRUE(becomes_unavailable());
  EXPECT_TRUE(comes_true([&] {
    const auto outcome = get();
    return !outcome && outcome.error().message.contains("LOADING") &&
           outcome.error().hint.contains("loaded");
  }));
  expect_to_cost_nothing();
  gate->behave({});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, says_that_the_server_has_no_memory) {
  server->ask({"CONFIG", "SET", "maxmemory", "1"});
  const auto refused = set("key", "value");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, error_code::storage_full);
  EXPECT_TRUE(refused.error().place.starts_with("127.0.0.1:")) << refused.error().describe();
  EXPECT_EQ(get(seconds(1)), "value") << "it can be read all the same";
  server->ask({"CONFIG", "SET", "maxmemory", "0"});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, says_that_the_server_is_a_replica) {
  const auto nobody = std::to_string(test::free_port());
  server->ask({"REPLICAOF", "127.0.0.1", nobody});
  const auto refused = set("key", "value");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, error_code::unavailable);
  EXPECT_TRUE(refused.error().message.contains("READONLY"));
  EXPECT_TRUE(refused.error().hint.contains("primary"));
  server->ask({"REPLICAOF", "NO", "ONE"});
  expect_to_heal();
}

TEST_F(redis_misbehaviour, says_that_the_server_cannot_save) {
  gate->behave({.answer = [](const auto& words) {
    return std::string(words[0] == "SET" ? "-MISCONF Redis is configured to save\r\n"
                                         : "+PONG\r\n");
  }});
  EXPECT_TRUE(comes_true([&] {
    const auto refused = set("key", "value");
    return !refused && refused.error().code == error_code::unavailable &&
           refused.error().hint.contains("disk");
  }));
}

TEST_F(redis_misbehaviour, says_that_it_lacks_the_password) {
  server->ask({"CONFIG", "SET", "requirepass", "secret"});
  server->use_password("secret");
  for (const std::string user : {"", ":wrong@", "nobody:wrong@"}) {
    store = connect_right({.url = "redis://" + user + "127.0.0.1:" + std::to_string(gate->port())});
    const auto refused = get(seconds(2));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, error_code::permission_denied);
    EXPECT_FALSE(refused.error().describe().contains("wrong@")) << refused.error().describe();
  }
  expect_to_cost_nothing();
  store =
      connect_right({.url = "redis://default:secret@127.0.0.1:" + std::to_string(gate->port())});
  EXPECT_EQ(get(seconds(2)), "value");
  store = connect_right({.url = gate->url()});
  EXPECT_EQ(failure(seconds(2)), error_code::permission_denied);
  server->ask({"CONFIG", "SET", "requirepass", ""});
  server->use_password("");
  expect_to_heal();
}

// --- bounds and the end

TEST_F(redis_misbehaviour, refuses_what_its_queue_cannot_hold) {
  store = connect_right({.url = gate->url(), .queue_bytes_max = 100'000});
  expect_to_heal();
  server->pause();
  std::vector<awaited_answer<void>> taken;
  std::optional<error> refused;
  for (int call = 0; call < 1'000 && !refused; ++call) {
    awaited_answer<void> answer;
    store->set("key", shared_bytes("value"), hours(1), system_clock().now() + milliseconds(500),
               answer.handler());
    if (answer.arrived()) {
      refused = answer.wait().error();
    } else {
      taken.push_back(std::move(answer));
    }
  }
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->code, error_code::unavailable);
  EXPECT_EQ(refused->place, "queue_bytes_max");
  EXPECT_GT(taken.size(), 50U);
  for (auto& each : taken) EXPECT_FALSE(each.wait().has_value());
  server->resume();
  expect_to_heal();
}

TEST_F(redis_misbehaviour, answers_what_is_open_when_it_is_destroyed) {
  server->pause();
  std::vector<awaited_answer<void>> open(100);
  std::optional<error> by_handler;
  client& alive = *store;
  for (auto& each : open)
    alive.set("key", shared_bytes("value"), hours(1), system_clock().now() + hours(1),
              [&, tell = each.handler()](result<void> outcome) {
                // Whoever tries again at once is told, too.
                alive.get("key", system_clock().now() + hours(1),
                          [&](const auto& bytes) { by_handler = bytes.error(); });
                tell(std::move(outcome));
              });
  store.reset();
  for (auto& each : open) {
    ASSERT_TRUE(each.arrived());
    EXPECT_EQ(each.wait().error().code, error_code::cancelled);
  }
  ASSERT_TRUE(by_handler.has_value());
  EXPECT_EQ(by_handler->code, error_code::cancelled);
}

TEST_F(redis_misbehaviour, is_destroyed_at_any_time) {
  for (std::size_t round = 0; round < 200; ++round) {
    const auto made = connect_right({.url = gate->url(), .connections = 2});
    std::vector<awaited_answer<found_bytes>> open(round % 5);
    for (auto& each : open)
      made->get("key", system_clock().now() + hours(1),
                [tell = each.handler()](const auto& bytes) { tell(swr::testing::kept(bytes)); });
    if (round % 3 == 0 && !open.empty()) {
      EXPECT_TRUE(open.front().wait().has_value());
    }
  }
}

}  // namespace
}  // namespace lodestar::redis_tier
