// Goal: the mistakes that caches are known for are not ours. One test or more for each of fifteen
// kinds, named after what goes wrong; the comment above says where it went wrong before.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/cache.hpp>

#include "thread_team.hpp"

namespace lodestar::cache {
namespace {

using numbers = cache<int, int>;
using texts = cache<std::string, std::string>;
using std::chrono::seconds;

// --- 4. An invalidation loses to a load that is under way: moka (lakekeeper#1843), caffeine#251,
// caffeine#193, otter#137, FusionCache#613, FusionCache#628.

/// All keys meet in one bucket, and the first comparison after it was armed says so and waits.
struct halting_equal {
  static inline std::atomic<bool> armed{false};
  static inline std::latch* reached = nullptr;
  static inline std::latch* go_on = nullptr;

  bool operator()(int one, int other) const {
    if (armed.exchange(false)) {
      reached->count_down();
      go_on->wait();
    }
    return one == other;
  }
};
struct same_hash {
  std::size_t operator()(int) const { return 7; }
};

TEST(cache_regression, a_removal_that_overtakes_a_load_is_not_answered_by_it) {
  std::latch removing(1), stored(1), removed(1);
  halting_equal::reached = &removing;
  halting_equal::go_on = &stored;
  cache<int, int, same_hash, halting_equal> values(
      {.entries_max = 2, .listener = [&](int key, int, removal_cause cause) {
         if (key == 1 || cause != removal_cause::size) return;
         // The load has stored its value and not said so yet.
         stored.count_down();
         removed.wait();
       }});
  values.insert(2, 20);
  values.insert(3, 30);
  bool loaded_anew = false;
  halting_equal::armed = true;
  std::thread remover([&] {
    EXPECT_TRUE(values.remove(1)) << "it was stored meanwhile";
    values.load_async(
        1, [&](int, auto complete) { complete(12), loaded_anew = true; },
        [](const auto& brought) { EXPECT_EQ(*brought.value(), 12); });
    removed.count_down();
  });
  removing.wait();
  EXPECT_EQ(values.get_or_load(1, [](int) { return 11; }), 11);
  remover.join();
  EXPECT_TRUE(loaded_anew);
  EXPECT_EQ(values.get(1), 12);
  values.validate();
}

/// Does something when it is called next.
struct hooked_hash {
  static inline std::function<void()> hook;
  std::size_t operator()(int key) const {
    if (const auto run = std::exchange(hook, nullptr)) run();
    return static_cast<std::size_t>(key);
  }
};

TEST(cache_regression, an_error_that_an_invalidation_overtook_is_not_kept) {
  cache<int, int, hooked_hash> values(
      {.entries_max = 10, .failure_time_to_live = std::chrono::seconds(1)});
  const auto failing = [&](int) -> result<int> {
    // The next to hash is the store of errors.
    hooked_hash::hook = [&] { EXPECT_FALSE(values.remove(1)); };
    return fail(error_code::unavailable, "not now");
  };
  EXPECT_FALSE(values.get_or_load(1, failing).has_value());
  EXPECT_EQ(values.get_or_load(1, [](int) { return 7; }), 7);
  values.validate();
}

// --- 7. Somebody who gives up leaves the key locked: moka#240, moka#309, FusionCache#218.

TEST(cache_regression, who_asks_again_when_told_that_the_load_was_given_up_is_answered) {
  numbers values({.entries_max = 10});
  std::optional<completion<numbers>> held;
  std::optional<int> answer;
  values.load_async(
      1, [&](int, completion<numbers> complete) { held.emplace(std::move(complete)); },
      [&](const loaded<int>& brought) {
        ASSERT_EQ(brought.failure()->code, error_code::cancelled);
        values.load_async(
            1, [](int, completion<numbers> complete) { complete(7); },
            [&](const loaded<int>& again) { answer = *again.value(); });
      });
  held.reset();
  EXPECT_EQ(answer, 7);
  EXPECT_EQ(values.get(1), 7);
  values.validate();
}

TEST(cache_regression, a_load_that_follows_one_that_was_given_up_is_still_invalidated) {
  numbers values({.entries_max = 10});
  std::optional<completion<numbers>> held;
  std::thread follower;
  std::latch loading(1), removed(1);
  values.load_async(
      1, [&](int, completion<numbers> complete) { held.emplace(std::move(complete)); },
      [&](const loaded<int>&) {
        // Before the one who gave up has left the board.
        follower = std::thread([&] {
          EXPECT_EQ(values.get_or_load(1,
                                       [&](int) {
                                         loading.count_down();
                                         removed.wait();
                                         return 7;
                                       }),
                    7);
        });
        loading.wait();
      });
  held.reset();
  EXPECT_FALSE(values.remove(1));
  removed.count_down();
  follower.join();
  EXPECT_EQ(values.get(1), std::nullopt) << "the load began before the removal";
  values.validate();
}

// --- 13. The time of a use goes to another value: moka#363, caffeine#30.

template <class Value>
class cache_regression_times : public testing::Test {};
using values_of_each_shape = testing::Types<int, std::array<int, 6>, std::string>;
TYPED_TEST_SUITE(cache_regression_times, values_of_each_shape);

template <class Value>
Value value_of(int number) {
  if constexpr (std::is_same_v<Value, std::string>) {
    return std::to_string(number);
  } else {
    return Value{number};
  }
}

TYPED_TEST(cache_regression_times, the_time_of_a_use_is_not_given_to_a_later_value) {
  manual_clock time;
  std::function<void()> meanwhile;
  options<int, TypeParam> settings{.entries_max = 10, .time = &time};
  settings.expires.after_create = [](int, const TypeParam&) { return seconds(10); };
  settings.expires.after_update = [](int, const TypeParam&, nanoseconds) { return never; };
  settings.expires.after_read = [&](int, const TypeParam&, nanoseconds) {
    if (const auto run = std::exchange(meanwhile, nullptr)) run();
    return seconds(15);
  };
  cache<int, TypeParam> timed(settings);
  timed.insert(1, value_of<TypeParam>(1));
  meanwhile = [&] { timed.insert(1, value_of<TypeParam>(2)); };
  EXPECT_EQ(timed.get(1), value_of<TypeParam>(1));
  time.advance(seconds(20));
  EXPECT_EQ(timed.peek(1), value_of<TypeParam>(2)) << "it never expires";
  timed.validate();
}

}  // namespace
}  // namespace lodestar::cache
