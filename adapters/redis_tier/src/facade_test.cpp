// Goal: whatever Redis or the way to it does, a cache over it answers, in about the time that it
// would take without: what is in memory at once, what is not after at most the time that the tier
// is given. Several caches over one Redis hear of each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/redis_tier/backplane.hpp>
#include <lodestar/redis_tier/redis_tier.hpp>
#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/testing/poisoned_entries.hpp>

#include "tcp_gate.hpp"
#include "test_store.hpp"

namespace lodestar::redis_tier {
namespace {

using std::chrono::seconds;
using swr::testing::awaited_answer;
using texts = swr::cache<std::string, std::string>;
using answered = swr::answer<std::string>;

constexpr milliseconds tier_time{40};
constexpr nanoseconds budget = tier_time + milliseconds(10) * slowed_down;
constexpr nanoseconds open_breaker_max = std::chrono::microseconds(50) * slowed_down;

class redis_facade : public testing::Test {
 protected:
  void SetUp() override {
    server = start_server();
    if (!server) return;
    gate.emplace(server->port());
    store = connect_right({.url = gate->url()});
    below = swr::tiers::make(
        {.tiers = {{.below = store, .shared = true, .read_timeout_ms = tier_time.count()}},
         .recovery_delay_ms = 200});
    values = std::make_unique<texts>(texts::options_type{
        .name = "texts", .keep = {.fresh_ms = 600'000, .fail_safe_ms = 600'000}, .below = below});
    ASSERT_TRUE(comes_true([this] { return store_answers(); }));
    values->set("known", {.value = "value"}, {}, nullptr);
    ASSERT_TRUE(comes_true([this] { return below->is_settled(); }));
  }

  [[nodiscard]] bool store_answers() {
    awaited_answer<swr::testing::found_bytes> answer;
    store->get("probe", system_clock().now() + seconds(1),
               [tell = answer.handler()](const auto& bytes) { tell(swr::testing::kept(bytes)); });
    return answer.wait().has_value();
  }

  struct asked {
    result<answered> what;
    nanoseconds took;
  };
  asked ask(const std::string& key) {
    awaited_answer<answered> answer;
    const auto begin = system_clock().now();
    values->get_or_load(
        key, {}, {},
        [](texts::done completed) { completed(swr::loaded<std::string>{.value = "loaded"}); },
        answer.handler());
    auto what = answer.wait();
    return {std::move(what), system_clock().now() - begin};
  }

  /// While it lasts, nobody whose key is in memory notices, and nobody waits longer than the
  /// budget.
  void expect_answers_during(const std::string& trouble) {
    std::vector<nanoseconds> cold;
    for (int round = 0; round < 200; ++round) {
      const asked known = ask("known");
      ASSERT_TRUE(known.what.has_value()) << trouble << ": " << known.what.error().describe();
      EXPECT_EQ(known.what->value, "value") << trouble;
      const asked unknown = ask(trouble + std::to_string(round));
      ASSERT_TRUE(unknown.what.has_value()) << trouble << ": " << unknown.what.error().describe();
      EXPECT_EQ(unknown.what->value, "loaded") << trouble;
      cold.push_back(unknown.took);
    }
    std::ranges::sort(cold);
    EXPECT_LE(cold[cold.size() * 99 / 100 - 1], budget) << trouble;
  }

  void expect_open_breaker(const std::string& trouble) {
    EXPECT_TRUE(below->stats().front().breaker_is_open) << trouble;
    std::vector<nanoseconds> cold;
    for (int round = 0; round < 101; ++round)
      cold.push_back(ask("open " + trouble + std::to_string(round)).took);
    // What the work takes, not what else the machine does meanwhile: that never makes it shorter.
    std::ranges::nth_element(cold, cold.begin() + 10);
    EXPECT_LE(cold[10], open_breaker_max) << trouble << ", with an open breaker";
  }

  void expect_healed_within(nanoseconds time, const std::string& trouble) {
    int round = 0;
    EXPECT_TRUE(comes_true(
        [&] {
          static_cast<void>(ask("heal " + trouble + std::to_string(++round)));
          return !below->stats().front().breaker_is_open && store_answers();
        },
        time))
        << trouble;
    EXPECT_TRUE(comes_true([this] { return below->is_settled(); })) << trouble;
  }

  std::unique_ptr<test::redis_server> server;
  std::optional<test::tcp_gate> gate;
  std::shared_ptr<swr::store> store;
  std::shared_ptr<swr::tiers> below;
  std::unique_ptr<texts> values;
};

TEST_F(redis_facade, answers_whatever_the_server_does) {
  const auto error_to_all = [](const std::string& reply) {
    return test::gate_behaviour{
        .answer = [reply](const std::vector<std::string>&) { return "-" + reply + "\r\n"; }};
  };
  const std::vector<std::pair<std::string, test::gate_behaviour>> troubles{
      {"refused", {.refuses = true}},
      {"silent", {.swallows = true}},
      {"half a reply", {.reply_bytes_max = 3}},
      {"corrupt", {.corrupts = true}},
      {"LOADING", error_to_all("LOADING Redis is loading the dataset in memory")},
      {"READONLY", error_to_all("READONLY You can't write against a read only replica.")},
      {"NOAUTH", error_to_all("NOAUTH Authentication required.")}};
  for (const auto& [name, how] : troubles) {
    gate->behave(how);
    expect_answers_during(name);
    expect_open_breaker(name);
    gate->behave({});
    expect_healed_within(seconds(2), name);
  }
}

TEST_F(redis_facade, answers_while_replies_come_byte_by_byte) {
  gate->behave({.slice_bytes = 1});
  expect_answers_during("slices");
  EXPECT_FALSE(below->stats().front().breaker_is_open);
}

TEST_F(redis_facade, answers_while_the_server_is_killed_paused_and_reset) {
  server->kill();
  expect_answers_during("killed");
  expect_open_breaker("killed");
  server->start();
  expect_healed_within(seconds(2), "killed");
  server->pause();
  expect_answers_during("paused");
  expect_open_breaker("paused");
  server->resume();
  expect_healed_within(seconds(2), "paused");
  for (int round = 0; round < 5; ++round) {
    gate->reset_connections();
    expect_answers_during("reset " + std::to_string(round));
  }
  expect_healed_within(seconds(2), "reset");
}

TEST_F(redis_facade, a_server_that_is_full_takes_removals_and_is_read) {
  EXPECT_EQ(server->ask({"CONFIG", "SET", "maxmemory", "1"}), "OK");
  values->set("known", {.value = "newer"}, {}, nullptr);
  ASSERT_TRUE(comes_true([this] { return below->is_settled(); }));
  EXPECT_FALSE(below->stats().front().breaker_is_open);
  texts elsewhere({.name = "texts", .below = swr::tiers::make({.tiers = {{.below = store}}})});
  awaited_answer<answered> found;
  elsewhere.get("known", {}, {}, found.handler());
  EXPECT_FALSE(found.wait().has_value()) << "what it could not replace was removed";
  EXPECT_EQ(ask("known").what->value, "newer");
  EXPECT_EQ(server->ask({"CONFIG", "SET", "maxmemory", "0"}), "OK");
  values->remove("known", nullptr);
  ASSERT_TRUE(comes_true([this] { return below->is_settled(); }));
}

TEST_F(redis_facade, poisoned_entries_are_misses) {
  swr::testing::expect_poisoned_entries_are_misses(store, 2'000);
}

/// A cache that has nothing in memory, over a server that keeps what has expired, and a clock that
/// stands still.
class redis_kept_for_ever : public testing::Test {
 protected:
  void SetUp() override {
    server = start_server();
    if (!server) return;
    store = connect_right({.url = server->url(), .disable_expiration = true, .time = &time});
  }
  result<answered> ask(std::optional<std::string> origin_has) {
    const auto below =
        swr::tiers::make({.tiers = {{.below = store}}, .time = &time, .timer = &timer});
    texts values({.name = "texts",
                  .keep = {.fresh_ms = 100, .stale_ms = 100, .fail_safe_ms = 60'000},
                  .fail_safe_throttle_ms = 0,
                  .below = below,
                  .time = &time,
                  .timer = &timer});
    awaited_answer<answered> answer;
    awaited_answer<void> loaded;
    values.get_or_load(
        "k", {}, {},
        [&](texts::done completed) {
          ++calls;
          if (origin_has) {
            completed(swr::loaded<std::string>{.value = *origin_has});
          } else {
            completed(fail(error_code::unavailable, "no origin"));
          }
          loaded.handler()(result<void>());
        },
        answer.handler());
    auto what = answer.wait();
    // A stale answer comes before its revalidation.
    const bool from_tier = what && what->hit && what->state == swr::freshness::fresh;
    if (!from_tier) static_cast<void>(loaded.wait());
    EXPECT_TRUE(comes_true([&] { return below->is_settled(); }));
    return what;
  }

  manual_clock time;
  manual_scheduler timer{time};
  std::unique_ptr<test::redis_server> server;
  std::shared_ptr<swr::store> store;
  int calls = 0;
};

TEST_F(redis_kept_for_ever, serves_what_is_stale_and_what_has_expired_when_the_origin_fails) {
  EXPECT_EQ(ask("first")->value, "first");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(server->ask({"PTTL", "lodestar:texts:k"}), "-1");
  time.advance(milliseconds(150));
  const auto stale = ask(std::nullopt);
  ASSERT_TRUE(stale.has_value());
  EXPECT_EQ(stale->value, "first");
  EXPECT_EQ(stale->state, swr::freshness::stale);
  EXPECT_EQ(calls, 2);
  time.advance(seconds(10));
  const auto expired = ask(std::nullopt);
  ASSERT_TRUE(expired.has_value());
  EXPECT_EQ(expired->value, "first");
  EXPECT_EQ(expired->state, swr::freshness::expired);
  EXPECT_NE(expired->failure, nullptr);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(ask("later")->value, "later");
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(ask("not asked")->value, "later");
  EXPECT_EQ(calls, 4);
}

/// A process of its own, as far as the others can tell.
struct node {
  explicit node(const std::string& url)
      : redis(connect_right({.url = url})),
        below(swr::tiers::make({.tiers = {{.below = redis, .shared = true}},
                                .announcements = make_backplane(redis, "caches"),
                                .recovery_delay_ms = 200})),
        values({.name = "texts", .keep = {.fresh_ms = 600'000}, .below = below}) {}
  std::string get(const std::string& key) {
    awaited_answer<answered> answer;
    values.get(key, {}, {}, answer.handler());
    const auto what = answer.wait();
    return what ? what->value : "nothing";
  }
  std::shared_ptr<client> redis;
  std::shared_ptr<swr::tiers> below;
  texts values;
};

/// Until `by` has what `from` writes in place of what `by` has in memory: it has heard of it.
bool begins_to_hear(node& from, node& by) {
  const auto writes = [&](const std::string& value) {
    from.values.set("probe", {.value = value}, {}, nullptr);
    return comes_true([&] { return by.get("probe") == value; }, milliseconds(100));
  };
  int round = 0;
  return comes_true([&] { return writes(std::to_string(++round)) && writes("again"); });
}

TEST(redis_nodes, hear_of_each_others_writes) {
  const auto server = start_server();
  if (!server) return;
  node one(server->url());
  node two(server->url());
  ASSERT_TRUE(begins_to_hear(one, two));
  ASSERT_TRUE(begins_to_hear(two, one));
  two.values.set("k", {.value = "of two"}, {}, nullptr);
  EXPECT_TRUE(comes_true([&] { return one.get("k") == "of two"; }));
  one.values.remove("k", nullptr);
  EXPECT_TRUE(comes_true([&] { return two.get("k") == "nothing"; }));
  one.values.set("tagged", {.value = "v", .tags = {"red"}}, {}, nullptr);
  EXPECT_TRUE(comes_true([&] { return two.get("tagged") == "v"; }));
  two.values.remove_by_tag("red", nullptr);
  EXPECT_TRUE(comes_true([&] { return one.get("tagged") == "nothing"; }));
  one.values.set("k", {.value = "again"}, {}, nullptr);
  EXPECT_TRUE(comes_true([&] { return two.get("k") == "again"; }));
  two.values.clear(nullptr);
  EXPECT_TRUE(comes_true([&] { return one.get("k") == "nothing"; }));
}

TEST(redis_nodes, agree_after_an_interruption) {
  const auto server = start_server();
  if (!server) return;
  test::tcp_gate gate(server->port());
  node one(server->url());
  node cut_off(gate.url());
  ASSERT_TRUE(begins_to_hear(one, cut_off));
  ASSERT_TRUE(begins_to_hear(cut_off, one));
  one.values.set("k", {.value = "old"}, {}, nullptr);
  ASSERT_TRUE(comes_true([&] { return cut_off.get("k") == "old"; }));
  gate.behave({.refuses = true});
  one.values.set("k", {.value = "of one"}, {}, nullptr);
  EXPECT_EQ(cut_off.get("k"), "old") << "it cannot know";
  cut_off.values.set("other", {.value = "of the one cut off"}, {}, nullptr);
  gate.behave({});
  EXPECT_TRUE(comes_true([&] { return cut_off.get("k") == "of one"; }));
  EXPECT_TRUE(comes_true([&] { return one.get("other") == "of the one cut off"; }));
}

}  // namespace
}  // namespace lodestar::redis_tier
