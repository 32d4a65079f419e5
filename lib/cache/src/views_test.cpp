// The hottest and the coldest entries of a cache: what its policy does to them tells whether they
// were.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/cache/cache.hpp>

#include "thread_team.hpp"

namespace lodestar::cache {
namespace {

using numbers = cache<int, int>;
using texts = cache<std::string, std::string>;

template <class Key, class Value>
std::vector<Key> keys_of(const std::vector<std::pair<Key, Value>>& entries) {
  std::vector<Key> keys;
  for (const auto& each : entries) keys.push_back(each.first);
  return keys;
}

/// Accesses of which half go to 2 % of the keys.
std::vector<int> skewed(int keys, std::size_t accesses, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> share(0, 1);
  std::vector<int> trace;
  for (std::size_t each = 0; each < accesses; ++each)
    trace.push_back(static_cast<int>(std::pow(static_cast<double>(keys), share(random))) - 1);
  return trace;
}

void use(numbers& values, const std::vector<int>& trace) {
  for (const int key : trace) {
    if (!values.get(key)) values.insert(key, key);
  }
}

TEST(cache_views, show_the_order_in_which_entries_are_evicted) {
  // Goal: when nobody uses anything any more, entries go in exactly the order that was shown.
  for (const unsigned seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    std::vector<int> evicted;
    numbers values({.weight_max = 25,
                    .weigher = [](int, int value) { return value < 0 ? std::size_t{25} : 1; },
                    .listener = [&](int key, int, removal_cause) { evicted.push_back(key); }});
    use(values, skewed(60, 500, seed));
    const auto coldest = keys_of(values.coldest(25));
    auto hottest = keys_of(values.hottest(25));
    ASSERT_EQ(coldest.size(), values.size());
    evicted.clear();
    values.insert(1'000, -1);  // takes all of the room
    EXPECT_EQ(evicted, coldest) << seed;
    std::reverse(hottest.begin(), hottest.end());
    EXPECT_EQ(hottest, coldest) << "both ends are of one order";
    values.validate();
  }
}

TEST(cache_views, name_what_the_next_insertion_evicts) {
  std::vector<int> evicted;
  numbers values({.entries_max = 1'000,
                  .listener = [&](int key, int, removal_cause) { evicted.push_back(key); }});
  use(values, skewed(20'000, 100'000, 1));
  std::size_t right = 0;
  const auto later = skewed(20'000, 2'000, 2);
  for (std::size_t round = 0; round < later.size(); ++round) {
    use(values, {later[round]});
    const auto coldest = values.coldest(1);
    ASSERT_EQ(coldest.size(), 1U);
    evicted.clear();
    values.insert(100'000 + static_cast<int>(round), 0);
    ASSERT_EQ(evicted.size(), 1U);
    if (evicted.front() == coldest.front().first) ++right;
  }
  EXPECT_GT(right, later.size() * 98 / 100);
  values.validate();
}

TEST(cache_views, tell_what_is_used_from_what_is_not) {
  texts values({.entries_max = 1'000});
  for (int key = 0; key < 1'000; ++key) values.insert(std::to_string(key), "value");
  for (int round = 0; round < 3; ++round) {
    for (int key = 500; key < 520; ++key) static_cast<void>(values.get(std::to_string(key)));
  }
  // They lie in the middle of a list, so whoever asks for few does not see them.
  const auto of_all = keys_of(values.hottest(300));
  for (int key = 500; key < 520; ++key)
    EXPECT_NE(std::find(of_all.begin(), of_all.begin() + 20, std::to_string(key)),
              of_all.begin() + 20)
        << key;
  for (const auto& [key, value] : values.coldest(300)) {
    const int number = std::stoi(key);
    EXPECT_FALSE(number >= 500 && number < 520);
  }
  values.validate();
}

TEST(cache_views, are_as_large_as_was_asked_for) {
  numbers values({.entries_max = 100});
  EXPECT_TRUE(values.hottest(10).empty());
  EXPECT_TRUE(values.coldest(10).empty());
  for (int key = 0; key < 50; ++key) values.insert(key, key);
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{49}}) {
    EXPECT_EQ(values.hottest(count).size(), count);
    EXPECT_EQ(values.coldest(count).size(), count);
  }
  EXPECT_EQ(values.hottest(unbounded).size(), 50U);
  EXPECT_EQ(values.coldest(unbounded).size(), 50U);
  values.validate();
}

TEST(cache_views, are_no_use) {
  numbers values({.entries_max = 100, .statistics = true});
  for (int key = 0; key < 100; ++key) values.insert(key, key);
  const auto before = values.coldest(100);
  for (int round = 0; round < 5; ++round) static_cast<void>(values.hottest(10));
  EXPECT_EQ(values.coldest(100), before);
  EXPECT_EQ(values.stats().hits, 0U);
  values.validate();
}

TEST(cache_views, leave_out_what_has_expired_and_what_is_pinned) {
  manual_clock time;
  texts values({.weight_max = 100,
                .weigher =
                    [](const std::string&, const std::string& value) {
                      return value == "pinned" ? std::size_t{0} : std::size_t{1};
                    },
                .time_to_live = std::chrono::seconds(10),
                .time = &time});
  for (int key = 0; key < 20; ++key) values.insert("old " + std::to_string(key), "value");
  time.advance(std::chrono::seconds(8));
  values.insert("new", "value");
  values.insert("for ever", "pinned");
  EXPECT_EQ(values.hottest(100).size(), 21U);
  time.advance(std::chrono::seconds(4));
  EXPECT_EQ(values.size(), 22U) << "nobody has removed what has expired";
  EXPECT_EQ(keys_of(values.hottest(5)), std::vector<std::string>{"new"});
  EXPECT_EQ(keys_of(values.coldest(5)), std::vector<std::string>{"new"});
  values.validate();
}

/// Calls the cache when it is copied: under the cache's lock that would never return.
struct curious {
  int number = 0;
  const cache<int, curious>* owner = nullptr;

  explicit curious(int of, const cache<int, curious>* in) : number(of), owner(in) {}
  curious(const curious& other) : number(other.number), owner(other.owner) {
    static_cast<void>(owner->stats());
  }
  curious(curious&&) = default;
  curious& operator=(const curious&) = delete;
};

TEST(cache_views, copy_values_without_the_lock) {
  cache<int, curious> values({.entries_max = 10});
  for (int key = 0; key < 10; ++key) values.insert(key, curious(key, &values));
  EXPECT_EQ(values.hottest(3).size(), 3U);
  EXPECT_EQ(values.coldest(3).size(), 3U);
  values.validate();
}

/// A value of several words in place: readers may meet it half written.
struct three {
  std::uint64_t one, two, sum;
};

template <class Value, class Make, class Check>
void view_while_others_write(Make make, Check check) {
  cache<std::uint64_t, Value> values({.entries_max = 200});
  std::atomic<bool> ended = false;
  thread_team team(3);
  team.run([&](std::size_t me) {
    if (me == 0) {
      for (int round = 0; round < 500; ++round) {
        for (const auto& shown : {values.hottest(20), values.coldest(20)}) {
          std::set<std::uint64_t> keys;
          for (const auto& [key, value] : shown) {
            EXPECT_TRUE(check(key, value));
            EXPECT_TRUE(keys.insert(key).second) << key << " is shown twice";
          }
        }
      }
      ended = true;
      return;
    }
    for (std::uint64_t step = 0; !ended; ++step) {
      const std::uint64_t key = (step * 7 + me) % 400;
      values.insert(key, make(key, step));
      if (step % 5 == 0) values.remove((step * 3) % 400);
      static_cast<void>(values.get(step % 30));
    }
  });
  values.validate();
}

TEST(cache_views, hold_no_entry_twice_and_no_value_of_another_while_others_write) {
  view_while_others_write<three>(
      [](std::uint64_t key, std::uint64_t step) { return three{key, step, key + step}; },
      [](std::uint64_t key, const three& value) {
        return value.one == key && value.sum == value.one + value.two;
      });
  view_while_others_write<std::string>(
      [](std::uint64_t key, std::uint64_t) { return std::to_string(key); },
      [](std::uint64_t key, const std::string& value) { return value == std::to_string(key); });
}

}  // namespace
}  // namespace lodestar::cache
