// Goal: the stores in memory do what every store must do, and evict as they say.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <lodestar/swr/map_store.hpp>
#include <lodestar/swr/memory_store.hpp>
#include <lodestar/swr/testing/poisoned_entries.hpp>
#include <lodestar/swr/testing/store_conformance.hpp>

namespace lodestar::swr {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct map_subject {
  manual_clock time;
  map_store made{{}, time};
  store& subject() { return made; }
  void pass(nanoseconds by) { time.advance(by); }
};
struct memory_subject {
  manual_clock time;
  memory_store made{{.bytes_max = 8U << 20, .time = &time}};
  store& subject() { return made; }
  void pass(nanoseconds by) { time.advance(by); }
};

}  // namespace

namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(map, store_conformance, map_subject);
INSTANTIATE_TYPED_TEST_SUITE_P(memory, store_conformance, memory_subject);
}  // namespace testing

namespace {

TEST(stored_key, is_another_one_for_every_pair) {
  EXPECT_EQ(stored_key("users", "42"), "users:42");
  EXPECT_NE(stored_key("a:b", "c"), stored_key("a", "b:c"));
  EXPECT_NE(stored_key("a%3Ab", "c"), stored_key("a:b", "c"));
  EXPECT_EQ(stored_key("", ""), ":");
}

TEST(map_store, poisoned_entries_are_misses) {
  testing::expect_poisoned_entries_are_misses(
      std::make_shared<map_store>(map_store_options{}, system_clock()), 2'000);
}

TEST(memory_store, poisoned_entries_are_misses) {
  testing::expect_poisoned_entries_are_misses(
      std::make_shared<memory_store>(memory_store_options{.bytes_max = 1U << 20}), 2'000);
}

TEST(map_store, evicts_what_was_not_used_for_longest) {
  manual_clock time;
  map_store store({.entries_max = 3}, time);
  testing::blocking_store calls(store);
  for (const char* key : {"a", "b", "c"}) calls.set(key, key);
  EXPECT_EQ(calls.get("a"), "a");
  calls.set("d", "d");
  EXPECT_EQ(calls.get("b"), std::nullopt);
  EXPECT_EQ(calls.get("a"), "a");
  EXPECT_EQ(store.size(), 3U);
}

TEST(map_store, looks_as_often_as_it_is_told_whether_there_are_too_many) {
  manual_clock time;
  seeded_random random(1);
  map_store store({.entries_max = 10, .eviction_probability = 0.5}, time, random);
  testing::blocking_store calls(store);
  int above = 0, at = 0;
  for (int key = 0; key < 1'000; ++key) {
    calls.set(std::to_string(key), "");
    ++(store.size() > 10 ? above : at);
  }
  EXPECT_NEAR(above, 500, 60);
  EXPECT_GT(at, 0);
}

TEST(map_store, removes_what_has_expired_when_it_is_maintained) {
  manual_clock time;
  map_store store({}, time);
  testing::blocking_store calls(store);
  calls.set("a", "", seconds(1));
  calls.set("b", "", hours(1));
  time.advance(seconds(2));
  EXPECT_EQ(store.size(), 2U);
  store.maintain();
  EXPECT_EQ(store.size(), 1U);
}

TEST(memory_store, keeps_to_its_bound_and_refuses_what_is_larger) {
  memory_store store({.bytes_max = 100'000});
  testing::blocking_store calls(store);
  for (int key = 0; key < 1'000; ++key) {
    EXPECT_TRUE(calls.set(std::to_string(key), std::string(1'000, 'v')).has_value());
    EXPECT_LE(store.stats().weight, 100'000U);
  }
  EXPECT_GT(store.stats().entries, 80U);
  calls.set("large", "small at first");
  const auto refused = calls.set("large", std::string(100'000, 'v'));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, error_code::too_large);
  EXPECT_EQ(calls.get("large"), std::nullopt) << "the older value would be wrong";
}

}  // namespace
}  // namespace lodestar::swr
