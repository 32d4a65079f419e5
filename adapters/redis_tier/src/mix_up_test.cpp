// Goal: no reply is ever given to another call, however many time out and however often the
// connection is lost meanwhile. Canary: a store that forgets what has timed out, and so gives its
// reply to the next call, is found by the same check.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>

#include "redis_store.hpp"
#include "tcp_gate.hpp"
#include "test_store.hpp"

namespace lodestar::redis_tier {
namespace {

struct counts {
  std::atomic<int> right = 0;
  std::atomic<int> wrong = 0;
  std::atomic<int> timed_out = 0;
  std::atomic<int> lost = 0;
  [[nodiscard]] int all() const { return right + wrong + timed_out + lost; }
};

constexpr int calls = 1'000;
constexpr int keys = 50;
constexpr int open_max = 16;

std::string key_of(int number) {
  return "key " + std::to_string(number);
}

void note(counts& seen, int number, const result<std::optional<std::string_view>>& answer) {
  if (!answer) {
    ++(answer.error().code == error_code::deadline_exceeded ? seen.timed_out : seen.lost);
  } else {
    ++(*answer == "of " + key_of(number) ? seen.right : seen.wrong);
  }
}

// Calls with deadlines that the replies often miss, and every now and then a new connection.
void call_at_random(client& store, test::tcp_gate& gate, counts& seen) {
  std::mt19937_64 random(1);
  swr::testing::blocking_store waiting(store);
  int lost_before = 0;
  for (int call = 0; call < calls; ++call) {
    ASSERT_TRUE(comes_true([&] { return call - seen.all() < open_max; }));
    if (random() % 150 == 0) gate.reset_connections();
    // Calls that are refused would tell nothing.
    if (seen.lost != lost_before) {
      ASSERT_TRUE(comes_true([&] { return waiting.get(key_of(0)).has_value(); }));
      lost_before = seen.lost;
    }
    const int number = static_cast<int>(random() % keys);
    store.get(key_of(number), system_clock().now() + milliseconds(1 + random() % 30),
              [&seen, number](const auto& answer) { note(seen, number, answer); });
  }
  ASSERT_TRUE(comes_true([&] { return seen.all() == calls; }));
  testing::Test::RecordProperty("right", seen.right.load());
  testing::Test::RecordProperty("wrong", seen.wrong.load());
  testing::Test::RecordProperty("timed_out", seen.timed_out.load());
  testing::Test::RecordProperty("lost", seen.lost.load());
}

void run(late_reply late, counts& seen) {
  const auto server = start_server();
  if (!server) return;
  for (int number = 0; number < keys; ++number) {
    const std::string key = "lodestar:" + key_of(number);
    server->ask({"SET", key, "of " + key_of(number)});
  }
  test::tcp_gate gate(server->port());
  gate.behave({.delay_min = milliseconds(0), .delay_max = milliseconds(25)});
  auto made = connect_with({.url = gate.url()}, late);
  ASSERT_TRUE(made.has_value());
  call_at_random(**made, gate, seen);
}

TEST(redis_mix_up, gives_no_reply_to_another_call) {
  counts seen;
  run(late_reply::thrown_away, seen);
  if (IsSkipped()) return;
  EXPECT_EQ(seen.wrong, 0);
  EXPECT_GT(seen.right, 200);
  EXPECT_GT(seen.timed_out, 200);
}

TEST(redis_mix_up, canary_is_found) {
  counts seen;
  run(late_reply::given_to_the_next, seen);
  if (IsSkipped()) return;
  EXPECT_GT(seen.wrong, 0);
}

}  // namespace
}  // namespace lodestar::redis_tier
