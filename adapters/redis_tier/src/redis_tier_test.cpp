// Goal: what the store in Redis promises beyond what every store must do: times to live, its own
// keys and no others, bounds, options, and TLS that trusts only whom it should.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <lodestar/redis_tier/redis_tier.hpp>

#include "clearing.hpp"
#include "reconnect_delay.hpp"
#include "tcp_gate.hpp"
#include "test_store.hpp"

namespace lodestar::redis_tier {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using swr::testing::awaited_answer;
using swr::testing::blocking_store;

class redis_tier : public testing::Test {
 protected:
  void SetUp() override {
    server = start_server();
    if (server) store = connect_right({.url = server->url()});
  }
  std::unique_ptr<test::redis_server> server;
  std::unique_ptr<client> store;
};

TEST_F(redis_tier, gives_the_server_the_time_to_live) {
  blocking_store calls(*store);
  EXPECT_TRUE(calls.set("hour", "1", hours(1)));
  EXPECT_TRUE(calls.set("moment", "1", nanoseconds(1)));
  EXPECT_TRUE(calls.set("for ever", "1", nanoseconds::max()));
  EXPECT_TRUE(calls.set("long", "1", nanoseconds::max() - nanoseconds(1)));
  const auto left_ms = [&](const char* key) { return std::stoll(server->ask({"PTTL", key})); };
  EXPECT_NEAR(static_cast<double>(left_ms("lodestar:hour")), 3'600'000, 10'000);
  EXPECT_LE(left_ms("lodestar:moment"), 1);
  EXPECT_EQ(left_ms("lodestar:for ever"), -1);
  EXPECT_GT(left_ms("lodestar:long"), 1'000'000'000'000);
}

TEST_F(redis_tier, leaves_expiry_to_the_server_when_it_is_told_to) {
  const auto lasting = connect_right({.url = server->url(), .disable_expiration = true});
  EXPECT_TRUE(blocking_store(*lasting).set("key", "1", milliseconds(1)));
  EXPECT_EQ(server->ask({"PTTL", "lodestar:key"}), "-1");
}

TEST_F(redis_tier, clears_its_own_keys_and_no_others) {
  const std::string prefix = "own*[x]?\\:";
  const auto own = connect_right({.url = server->url(), .key_prefix = prefix, .connections = 4});
  blocking_store calls(*own);
  std::vector<awaited_answer<void>> written;
  for (int key = 0; key < 5'000; ++key)
    written.push_back(calls.begin_set(std::to_string(key), "value"));
  const std::vector<std::string> others{"own*[x]?\\", "ownx:", "own*xy\\:1",
                                        "own*[x]?:1", "other", "lodestar:key"};
  for (const auto& other : others) server->ask({"SET", other, "1"});
  // Not one that was set before is left, also when nobody has waited for it.
  const auto cleared = calls.clear();
  EXPECT_TRUE(cleared.has_value()) << cleared.error().describe();
  EXPECT_EQ(server->ask({"DBSIZE"}), std::to_string(others.size()));
  for (auto& each : written) EXPECT_TRUE(each.wait().has_value());
}

TEST_F(redis_tier, removes_thousands_of_keys_by_one_call) {
  blocking_store calls(*store);
  std::vector<std::string> names;
  for (int key = 0; key < 3'000; ++key) names.push_back(std::to_string(key));
  for (const auto& name : names) static_cast<void>(calls.begin_set(name, "value"));
  EXPECT_TRUE(calls.remove({names.begin(), names.end()}).has_value());
  EXPECT_EQ(server->ask({"DBSIZE"}), "0");
}

TEST_F(redis_tier, clears_no_longer_than_it_may) {
  ASSERT_TRUE(blocking_store(*store).set("key", "value"));
  server->pause();
  awaited_answer<void> answer;
  store->clear(system_clock().now() + milliseconds(50), answer.handler());
  EXPECT_EQ(answer.wait().error().code, error_code::deadline_exceeded);
  server->resume();
}

TEST_F(redis_tier, refuses_a_value_that_is_too_large) {
  const auto small = connect_right({.url = server->url(), .value_bytes_max = 100});
  blocking_store calls(*small);
  EXPECT_TRUE(calls.set("key", std::string(100, 'v')).has_value());
  const auto refused = calls.set("key", std::string(101, 'v'));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, error_code::too_large);
  EXPECT_EQ(refused.error().place, "value_bytes_max");
  EXPECT_EQ(calls.get("key"), std::string(100, 'v'));
}

TEST_F(redis_tier, gives_an_error_for_what_is_no_value) {
  server->ask({"LPUSH", "lodestar:key", "1"});
  const auto answer = blocking_store(*store).get("key");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, error_code::internal);
  EXPECT_TRUE(answer.error().message.contains("WRONGTYPE"));
}

TEST_F(redis_tier, takes_a_name_for_a_host) {
  const auto named = connect_right({.url = "redis://localhost:" + std::to_string(server->port())});
  EXPECT_TRUE(blocking_store(*named).set("key", "value").has_value());
}

TEST_F(redis_tier, looks_for_another_server_when_it_met_a_replica) {
  test::tcp_gate gate(server->port());
  const auto through = connect_right({.url = gate.url()});
  blocking_store calls(*through);
  ASSERT_TRUE(calls.set("key", "value"));
  const std::size_t before = gate.connections();
  server->ask({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_TRUE(comes_true([&] {
    EXPECT_FALSE(calls.set("key", "value").has_value());
    return gate.connections() > before;
  }));
}

TEST(redis_options, are_refused_where_they_are_wrong) {
  const auto place_of = [](const options& settings) {
    const auto refused = open(settings);
    EXPECT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, error_code::invalid_argument);
    return refused ? "" : refused.error().place;
  };
  EXPECT_EQ(place_of({.url = "redis://"}), "url:8");
  EXPECT_EQ(place_of({.key_prefix = ""}), "key_prefix");
  EXPECT_EQ(place_of({.connections = 0}), "connections");
  EXPECT_EQ(place_of({.connections = 65}), "connections");
  EXPECT_EQ(place_of({.connect_timeout = milliseconds(0)}), "connect_timeout");
  EXPECT_EQ(place_of({.reply_timeout = milliseconds(-1)}), "reply_timeout");
  EXPECT_EQ(place_of({.idle_max = milliseconds(0)}), "idle_max");
  EXPECT_EQ(place_of({.value_bytes_max = 0}), "value_bytes_max");
  EXPECT_EQ(place_of({.value_bytes_max = 1U << 30}), "value_bytes_max");
}

TEST(redis_pattern, means_the_prefix_itself) {
  EXPECT_EQ(pattern_of("lodestar:"), "lodestar:*");
  EXPECT_EQ(pattern_of("a*b?c[d]e\\f"), "a\\*b\\?c\\[d\\]e\\\\f*");
}

TEST(redis_reconnect_delay, grows_up_to_a_second) {
  seeded_random random(1);
  reconnect_delay delay;
  nanoseconds longest{0};
  for (int attempt = 0; attempt < 100; ++attempt) {
    const nanoseconds next = delay.next(random);
    EXPECT_GE(next, milliseconds(50));
    EXPECT_LE(next, seconds(1));
    longest = std::max(longest, next);
  }
  EXPECT_GT(longest, milliseconds(900));
  delay.reset();
  EXPECT_LE(delay.next(random), milliseconds(100));
}

// --- TLS

class redis_tls : public testing::Test {
 protected:
  void SetUp() override { server = start_server({}, test::redis_server::kind::tls); }
  [[nodiscard]] std::string url(const std::string& host) const {
    return "rediss://" + host + ":" + std::to_string(server->tls_port());
  }
  [[nodiscard]] static result<void> set_in(const options& settings) {
    const auto store = connect_right(settings);
    return blocking_store(*store).set("key", "value");
  }
  static void expect_distrust(const options& settings) {
    const auto refused = set_in(settings);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, error_code::unavailable);
    EXPECT_TRUE(refused.error().message.contains("certificate")) << refused.error().describe();
  }
  std::unique_ptr<test::redis_server> server;
};

TEST_F(redis_tls, trusts_whom_it_should) {
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto done = set_in({.url = url(host), .ca_file = server->ca_file()});
    EXPECT_TRUE(done.has_value()) << done.error().describe();
  }
}

TEST_F(redis_tls, distrusts_an_unknown_certificate) {
  expect_distrust({.url = url("127.0.0.1")});
  const test::redis_server other({}, test::redis_server::kind::tls);
  expect_distrust({.url = url("127.0.0.1"), .ca_file = other.ca_file()});
}

TEST_F(redis_tls, distrusts_a_certificate_for_another_host) {
  const test::temp_folder other;
  test::make_certificate(other, "DNS:elsewhere.example,IP:127.0.0.2");
  const auto file = (other / "certificate.pem").string();
  server = start_server({"--tls-cert-file", file, "--tls-key-file", (other / "key.pem").string()},
                        test::redis_server::kind::tls);
  for (const char* host : {"127.0.0.1", "localhost"})
    expect_distrust({.url = url(host), .ca_file = file});
}

TEST_F(redis_tls, is_not_spoken_by_a_plain_server) {
  const auto refused = set_in({.url = "rediss://127.0.0.1:" + std::to_string(server->port()),
                               .ca_file = server->ca_file()});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, error_code::unavailable);
}

TEST_F(redis_tls, says_what_is_wrong_with_the_file) {
  const auto missing = open({.url = url("localhost"), .ca_file = "/not/there.pem"});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, error_code::not_found);
  const auto file = server->ca_file().parent_path() / "no.pem";
  std::ofstream(file) << "no certificate";
  const auto wrong = open({.url = url("localhost"), .ca_file = file});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, error_code::corrupt);
}

}  // namespace
}  // namespace lodestar::redis_tier
