// Goal: the mistakes that caches are known for are not ours. One test or more for each of fifteen
// kinds, named after what goes wrong; the comment above says where it went wrong before.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
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

// --- what several of them need

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

/// A cache that has values of this shape: one word, several words, boxed.
template <class Value>
class cache_regression_shapes : public testing::Test {};
using values_of_each_shape = testing::Types<int, std::array<int, 6>, std::string>;
TYPED_TEST_SUITE(cache_regression_shapes, values_of_each_shape);

template <class Value>
Value value_of(int number) {
  if constexpr (std::is_same_v<Value, std::string>) {
    return std::to_string(number);
  } else {
    return Value{number};
  }
}

// --- 1. Eviction stalls for ever: moka#590, moka#72, moka#348, caffeine#67, caffeine#181,
// caffeine#420, caffeine#859.

TEST(cache_regression, keys_that_come_and_go_under_pressure_do_not_stop_the_evictions) {
  constexpr int bound = 100;
  numbers values({.entries_max = bound});
  std::size_t memory = 0;
  for (int round = 0; round < 60'000; ++round) {
    const int key = round % (3 * bound);
    values.insert(key, round);
    if (round % 3 != 0) values.remove(key);
    if (round % 3 == 2) values.insert(key, -round);
    ASSERT_LE(values.size(), std::size_t{bound});
    if (round == 30'000) memory = values.memory_used();
  }
  EXPECT_EQ(values.memory_used(), memory) << "nothing piles up";
  const auto evicted = values.stats().evictions;
  for (int key = 1'000; key < 1'000 + 3 * bound; ++key) {
    EXPECT_EQ(values.insert(key, key), outcome::inserted);
    EXPECT_EQ(values.peek(key), key);
  }
  EXPECT_EQ(values.size(), std::size_t{bound});
  EXPECT_GE(values.stats().evictions, evicted + 2 * bound);
  values.validate();
}

// --- 2. The timer wheel keeps what has no time any more, or forgets what has one: moka#524,
// moka#527, moka#565, mini-moka#15, theine-go#64.

TEST(cache_regression, an_entry_that_no_longer_expires_is_not_in_the_wheel) {
  manual_clock time;
  nanoseconds next = never;
  numbers::options_type settings{.entries_max = 4, .time = &time};
  settings.expires.after_create = [&](int, int) { return next; };
  settings.expires.after_update = [&](int, int, nanoseconds) { return next; };
  settings.expires.after_read = [&](int, int, nanoseconds) { return next; };
  numbers timed(settings);
  // Every change between two times and none, at creation, by an update and by a read.
  const std::array<nanoseconds, 4> times{never, milliseconds(1), seconds(100), nanoseconds(0)};
  for (int round = 0; round < 4 * 4 * 4 * 4; ++round) {
    const auto choice = [&times, round](int digit) {
      return times[static_cast<std::size_t>(round >> 2 * digit) % times.size()];
    };
    const int key = round % 6;
    next = choice(0);
    timed.insert(key, round);
    next = choice(1);
    timed.insert(key, -round);
    next = choice(2);
    static_cast<void>(timed.get(key));
    timed.validate();
    if (round % 3 == 0) timed.remove(key);
    time.advance(choice(3) == never ? milliseconds(20) : choice(3));
    if (round % 5 == 0) timed.maintain();
    timed.validate();
  }
}

TEST(cache_regression, every_entry_expires_however_far_its_time_is) {
  manual_clock time;
  numbers::options_type settings{.entries_max = 10'000, .time = &time};
  settings.expires.after_create = [](int, int value) { return nanoseconds(microseconds(value)); };
  numbers timed(settings);
  // Around the borders between the buckets and the levels of the wheel.
  for (const int whole : {10, 1 << 14, 1 << 20, 1 << 26, (1 << 30) + (1 << 29)}) {
    for (int begin = 0; begin < 3; ++begin) {
      time.advance(microseconds(whole / 3 + begin * 5'461));
      std::vector<int> delays;
      for (int near = -2; near <= 2; ++near) delays.push_back(whole + near);
      for (std::size_t key = 0; key < delays.size(); ++key)
        timed.insert(static_cast<int>(key), delays[key]);
      time.advance(microseconds(whole - 3));
      timed.maintain();
      for (std::size_t key = 0; key < delays.size(); ++key)
        EXPECT_TRUE(timed.contains(static_cast<int>(key))) << delays[key];
      time.advance(microseconds(6));
      for (std::size_t key = 0; key < delays.size(); ++key)
        EXPECT_FALSE(timed.contains(static_cast<int>(key))) << delays[key];
      time.advance(milliseconds(17));  // A bucket of the lowest level.
      timed.maintain();
      EXPECT_EQ(timed.size(), 0U) << whole;
      timed.validate();
    }
  }
}

// --- 3. Memory is freed while somebody reads it: moka#600, moka#34, moka#553.

TEST(cache_regression, what_is_read_while_it_is_evicted_stays_whole) {
  texts values({.entries_max = 8});
  const auto text_of = [](int number) {
    return std::string(40, 'a' + static_cast<char>(number % 26));
  };
  std::atomic<int> torn{0};
  thread_team team(4);
  team.run([&](std::size_t me) {
    small_random random(me);
    for (int round = 0; round < 20'000; ++round) {
      const int number = static_cast<int>(random.below(24));
      const std::string key = std::to_string(number);
      if (me % 2 == 0) {
        values.with(key, [&](const std::string& text) {
          rest_now_and_then(50);
          if (text != text_of(number)) ++torn;
        });
      } else if (random.below(4) == 0) {
        values.remove(key);
      } else {
        values.insert(key, text_of(number));
      }
    }
  });
  EXPECT_EQ(torn.load(), 0);
  values.validate();
}

// --- 4. An invalidation loses to a load that is under way: moka (lakekeeper#1843), caffeine#251,
// caffeine#193, otter#137, FusionCache#613, FusionCache#628.

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

TEST(cache_regression, what_was_invalidated_while_it_was_loaded_is_handed_out_and_not_stored) {
  numbers values({.entries_max = 10});
  const std::vector<std::function<void()>> writes = {
      [&] { values.remove(1); }, [&] { values.clear(); },
      [&] { values.remove_if([](int, int) { return true; }); },
      [&] {
        values.insert(1, 5);
        values.remove(1);
      },
      [&] { values.compute(1, [](const int*) { return std::optional<int>(); }); }};
  for (std::size_t which = 0; which + 1 < writes.size(); ++which) {
    const auto answer = values.get_or_load(1, [&](int) {
      writes[which]();
      return 7;
    });
    EXPECT_EQ(answer, 7);
    EXPECT_EQ(values.get(1), std::nullopt) << which;
  }
  EXPECT_EQ(values.get_or_load(1,
                               [&](int) {
                                 values.insert(1, 8);
                                 return 7;
                               }),
            7);
  EXPECT_EQ(values.get(1), 8) << "what was written meanwhile is newer";
  values.validate();
}

TEST(cache_regression, an_answer_without_blocking_that_a_removal_overtook_is_not_stored) {
  numbers values({.entries_max = 10});
  std::optional<completion<numbers>> held;
  std::optional<int> answer;
  values.load_async(
      1, [&](int, completion<numbers> complete) { held.emplace(std::move(complete)); },
      [&](const loaded<int>& brought) { answer = *brought.value(); });
  EXPECT_FALSE(values.remove(1));
  (*held)(7);
  EXPECT_EQ(answer, 7);
  EXPECT_EQ(values.get(1), std::nullopt);
  values.validate();
}

/// A key that says when it is destroyed.
struct telling_key {
  static inline std::function<void()> hook;
  int number;

  explicit telling_key(int of) : number(of) {}
  telling_key(const telling_key&) = default;
  telling_key& operator=(const telling_key&) = default;
  ~telling_key() {
    if (const auto run = std::exchange(hook, nullptr)) run();
  }
  friend bool operator==(const telling_key&, const telling_key&) = default;
};
struct hash_of_telling {
  std::size_t operator()(const telling_key& key) const {
    return static_cast<std::size_t>(key.number);
  }
};

using telling = cache<telling_key, int, hash_of_telling>;

// So many that they are destroyed when they are forgotten: in the middle of clear().
void keep_errors(telling& values) {
  const auto failing = [](const telling_key&) -> result<int> {
    return fail(error_code::unavailable, "not now");
  };
  for (int key = 100; key < 164; ++key)
    EXPECT_FALSE(values.get_or_load(telling_key(key), failing).has_value());
}

TEST(cache_regression, an_error_that_a_clear_overtook_is_not_kept) {
  telling values({.entries_max = 10, .failure_time_to_live = seconds(1)});
  std::optional<completion<telling>> held;
  const telling_key one(1);
  values.load_async(
      one,
      [&](const telling_key&, completion<telling> complete) { held.emplace(std::move(complete)); },
      [](const loaded<int>& brought) { EXPECT_NE(brought.failure(), nullptr); });
  keep_errors(values);
  bool overtaken = false;
  telling_key::hook = [&] {
    (*held)(fail(error_code::unavailable, "of long ago"));
    overtaken = true;
  };
  values.clear();
  EXPECT_TRUE(overtaken);
  EXPECT_EQ(values.get_or_load(one, [](const telling_key&) { return 7; }), 7);
  values.validate();
}

// The same for what removes many: remove(values, begin) calls begin() when it is under way.
void expect_no_answer_by_what_was_removed(
    const std::function<void(telling&, const std::function<void()>&)>& remove) {
  const telling_key expiring(2), last(3), loaded_one(4);
  manual_clock time;
  std::latch stored(1), removed(1);
  telling values({.entries_max = 1'000,
                  .listener =
                      [&](const telling_key& key, int, removal_cause cause) {
                        if (cause != removal_cause::expired || key != expiring) return;
                        // The load has stored its value and not said so yet.
                        stored.count_down();
                        removed.wait();
                      },
                  .expires = {.after_create =
                                  [&](const telling_key& key, int) {
                                    return key == expiring ? seconds(1) : seconds(1'000);
                                  }},
                  .failure_time_to_live = seconds(1'000),
                  .time = &time});
  values.insert(telling_key(1), 1);
  values.insert(expiring, 2);
  values.insert(last, 3);
  // The load's value comes to where nobody has looked yet.
  values.remove(last);
  time.advance(seconds(2));
  std::thread loader;
  remove(values, [&] {
    loader = std::thread([&] {
      EXPECT_EQ(values.get_or_load(loaded_one, [](const telling_key&) { return 11; }), 11);
    });
    stored.wait();
  });
  EXPECT_EQ(values.peek(loaded_one), std::nullopt);
  std::optional<int> answer;
  values.load_async(
      loaded_one, [](const telling_key&, auto complete) { complete(12); },
      [&](const auto& brought) { answer = *brought.value(); });
  EXPECT_EQ(answer, 12);
  removed.count_down();
  loader.join();
  EXPECT_EQ(values.get(loaded_one), 12);
  values.validate();
}

TEST(cache_regression, a_conditional_removal_that_overtakes_a_load_is_not_answered_by_it) {
  expect_no_answer_by_what_was_removed([](telling& values, const std::function<void()>& begin) {
    bool begun = false;
    values.remove_if([&](const telling_key&, int) {
      if (!std::exchange(begun, true)) begin();
      return true;
    });
  });
}

TEST(cache_regression, a_clearing_that_overtakes_a_load_is_not_answered_by_it) {
  expect_no_answer_by_what_was_removed([](telling& values, const std::function<void()>& begin) {
    keep_errors(values);
    telling_key::hook = begin;
    values.clear();
  });
}

// --- 5. A computation loses an update, or reports one that it did not make: moka#574, moka#593,
// iota#5208.

TEST(cache_regression, no_update_of_eight_threads_is_lost) {
  numbers values({.entries_max = 8});
  thread_team team(8);
  team.run([&](std::size_t) {
    for (int round = 0; round < 10'000; ++round) {
      values.compute(round % 4, [](const int* present) {
        return std::optional<int>(present == nullptr ? 1 : *present + 1);
      });
    }
  });
  int total = 0;
  values.for_each([&total](int, int value) { total += value; });
  EXPECT_EQ(total, 80'000);
  values.validate();
}

TYPED_TEST(cache_regression_shapes, a_computation_begins_again_when_its_key_was_changed_meanwhile) {
  cache<int, TypeParam> values({.entries_max = 10});
  const auto one = value_of<TypeParam>(1), two = value_of<TypeParam>(2),
             three = value_of<TypeParam>(3);
  std::vector<std::optional<TypeParam>> seen;
  std::function<void()> meanwhile;
  const auto to_three = [&](const TypeParam* present) {
    seen.push_back(present != nullptr ? std::optional(*present) : std::nullopt);
    if (const auto run = std::exchange(meanwhile, nullptr)) run();
    return std::optional(three);
  };
  const auto compute_while = [&](std::function<void()> changing) {
    seen.clear();
    meanwhile = std::move(changing);
    return values.compute(1, to_three);
  };
  using calls = std::vector<std::optional<TypeParam>>;
  EXPECT_EQ(compute_while([&] { values.insert(1, one); }), outcome::replaced) << "not inserted";
  EXPECT_EQ(seen, (calls{std::nullopt, one}));
  EXPECT_EQ(compute_while([&] { values.insert(1, two); }), outcome::replaced);
  EXPECT_EQ(seen, (calls{three, two}));
  EXPECT_EQ(compute_while([&] { values.remove(1); }), outcome::inserted) << "not replaced";
  EXPECT_EQ(seen, (calls{three, std::nullopt}));
  EXPECT_EQ(values.get(1), three);
  values.validate();
}

// --- 6. A loader that throws leaves its key broken: moka#43, moka#46, moka#59, moka#60,
// web3-proxy#217, otter#139.

TEST(cache_regression, hundreds_of_loaders_that_throw_leave_their_key_whole) {
  numbers values({.entries_max = 10});
  const auto throwing = [](int) -> int { throw std::runtime_error("no"); };
  for (int times = 0; times < 500; ++times)
    EXPECT_THROW(static_cast<void>(values.get_or_load(1, throwing)), std::runtime_error);
  EXPECT_EQ(values.get_or_load(1, [](int) { return 7; }), 7);
  values.validate();
}

TEST(cache_regression, what_a_loader_throws_while_all_is_cleared_reaches_everybody_who_waits) {
  numbers values({.entries_max = 10});
  int told = 0;
  const auto tell = [&](const loaded<int>& brought) {
    EXPECT_THROW(static_cast<void>(brought.get()), std::runtime_error);
    ++told;
  };
  const auto never_begun = [](int, const completion<numbers>&) { FAIL() << "one load is enough"; };
  const auto throwing = [&](int) -> int {
    for (int waiting = 0; waiting < 3; ++waiting) values.load_async(1, never_begun, tell);
    values.clear();
    throw std::runtime_error("no");
  };
  EXPECT_THROW(static_cast<void>(values.get_or_load(1, throwing)), std::runtime_error);
  EXPECT_EQ(told, 3);
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

TEST(cache_regression, what_a_cancelled_caller_had_begun_can_be_evicted) {
  numbers values({.entries_max = 4});
  for (int key = 0; key < 100; ++key) {
    std::optional<completion<numbers>> held;
    auto ticket = values.load_async(
        key, [&](int, completion<numbers> complete) { held.emplace(std::move(complete)); },
        [](const loaded<int>&) { FAIL() << "nobody wants to know"; });
    EXPECT_TRUE(ticket.cancel());
    if (key % 2 == 0) (*held)(key);
    held.reset();
    EXPECT_LE(values.size(), 4U);
    values.validate();
  }
  EXPECT_EQ(values.stats().evictions, 46U);
}

// --- 8. One slow function of the caller blocks strangers: caffeine#672, caffeine#1728,
// caffeine#506, caffeine#527, caffeine#771.

TEST(cache_regression, everybody_else_goes_on_while_a_function_of_the_caller_runs) {
  using crowded = cache<int, int, same_hash>;  // All keys in one bucket.
  crowded* all = nullptr;
  int others = 0;
  bool busy = false;
  // Returns only when every kind of call on another key has.
  const auto be_slow = [&] {
    if (std::exchange(busy, true)) return;
    std::thread([&] {
      const int other = 100 + others++ % 5;
      all->insert(other, 1);
      static_cast<void>(all->get(other));
      all->compute(other, [](const int*) { return std::optional(2); });
      EXPECT_EQ(all->get_or_load(other + 50, [](int) { return 3; }), 3);
      all->remove(other);
      all->maintain();
    }).join();
    busy = false;
  };
  crowded::options_type settings{.weight_max = 20};
  settings.weigher = [&](int, int) { return be_slow(), 1U; };
  settings.listener = [&](int, int, removal_cause) { be_slow(); };
  settings.expires.after_create = [&](int, int) { return be_slow(), seconds(1); };
  settings.expires.after_update = [&](int, int, nanoseconds) { return be_slow(), seconds(1); };
  settings.expires.after_read = [&](int, int, nanoseconds) { return be_slow(), seconds(1); };
  crowded values(settings);
  all = &values;
  values.insert(1, 1);
  values.insert(1, 2);
  static_cast<void>(values.get(1));
  values.with(1, [&](int) { be_slow(); });
  values.compute(1, [&](const int*) { return be_slow(), std::optional(5); });
  EXPECT_EQ(values.get_or_load(2, [&](int) { return be_slow(), 7; }), 7);
  values.load_async(
      3, [&](int, auto complete) { be_slow(), complete(7); }, [&](const auto&) { be_slow(); });
  values.remove_if([&](int key, int) { return be_slow(), key == 2; });
  values.for_each([&](int, int) { be_slow(); });
  values.remove(1);
  EXPECT_GE(others, 15);
  values.validate();
}

// --- 9. Reads do not scale: moka (lance#7953, lance#8013), rocksdb#13081.

TEST(cache_regression, hits_and_misses_do_not_wait_for_the_lock) {
  using crowded = cache<int, int, std::hash<int>, halting_equal>;
  crowded values({.weight_max = 100, .weigher = [](int, int) { return std::size_t{1}; }});
  for (int key = 0; key < 50; ++key) values.insert(key, key);
  std::latch locked(1), read(1);
  halting_equal::reached = &locked;
  halting_equal::go_on = &read;
  halting_equal::armed = true;
  // With weights the first comparison of a write is made under the lock.
  std::thread writer([&] { values.insert(0, 100); });
  locked.wait();
  for (int round = 0; round < 1'000; ++round) {
    for (int key = 1; key < 50; ++key) EXPECT_EQ(values.get(key), key);
    EXPECT_EQ(values.get(1'000), std::nullopt);
  }
  EXPECT_EQ(values.get(0), 0) << "the writer has not got any further";
  read.count_down();
  writer.join();
  EXPECT_EQ(values.get(0), 100);
  values.validate();
}

// --- 10. Maintenance lags behind, or stops everybody: moka#498, moka#412, moka#408, moka#345,
// moka#349, caffeine#90.

TEST(cache_regression, what_has_expired_goes_by_one_call_and_costs_a_writer_little) {
  constexpr int entries = 100'000;
  manual_clock time;
  int notified = 0;
  numbers values({.entries_max = 2 * entries,
                  .listener =
                      [&](int, int, removal_cause cause) {
                        EXPECT_EQ(cause, removal_cause::expired);
                        ++notified;
                      },
                  .time_to_live = seconds(10),
                  .time = &time});
  for (int key = 0; key < entries; ++key) values.insert(key, key);
  time.advance(seconds(20));
  values.insert(-1, 1);
  EXPECT_GT(notified, 0) << "writers help";
  EXPECT_LE(notified, static_cast<int>(detail::limits::removals_max)) << "a little";
  values.maintain();
  EXPECT_EQ(notified, entries) << "all that had expired, and nobody is told late";
  EXPECT_EQ(values.size(), 1U);
  values.validate();
}

// --- 11. Conditional invalidation costs every read, grows for ever, misses what is new:
// spiceai#11077, moka#155.

TEST(cache_regression, a_condition_is_asked_once_for_each_entry_and_forgotten) {
  numbers values({.entries_max = 100});
  int asked = 0;
  std::size_t memory = 0;
  for (int round = 0; round < 500; ++round) {
    for (int key = 0; key < 100; ++key) values.insert(key, key);
    asked = 0;
    EXPECT_EQ(values.remove_if([&](int key, int) { return ++asked, key % 2 == 0; }), 50U)
        << "what was inserted a moment ago, too";
    EXPECT_EQ(asked, 100);
    for (int key = 0; key < 100; ++key) EXPECT_EQ(values.get(key).has_value(), key % 2 != 0);
    values.maintain();
    EXPECT_EQ(asked, 100) << "neither reads nor maintenance ask again";
    if (round == 10) memory = values.memory_used();
  }
  EXPECT_EQ(values.memory_used(), memory);
  values.validate();
}

// --- 12. A refresh gets stuck, or brings back what is gone: caffeine#282, caffeine#1478,
// caffeine#1690, caffeine#1970, caffeine#711, FusionCache#560, FusionCache#426, FusionCache#648.

TYPED_TEST(cache_regression_shapes,
           a_refresh_of_an_entry_that_was_removed_does_not_change_its_like) {
  manual_clock time;
  manual_executor background;
  cache<int, TypeParam> values(
      {.entries_max = 10, .refresh_after = seconds(1), .background = &background, .time = &time});
  const auto old = value_of<TypeParam>(1);
  values.insert(1, old);
  time.advance(seconds(2));
  EXPECT_EQ(values.get_or_load(1, [](int) { return value_of<TypeParam>(2); }), old);
  ASSERT_EQ(background.pending(), 1U);
  values.remove(1);
  values.insert(1, old);
  background.run_all();
  EXPECT_EQ(values.get(1), old) << "it is another entry";
  time.advance(seconds(2));
  EXPECT_EQ(values.get_or_load(1, [](int) { return value_of<TypeParam>(3); }), old);
  background.run_all();
  EXPECT_EQ(values.get(1), value_of<TypeParam>(3)) << "which is refreshed when its time comes";
  values.validate();
}

TEST(cache_regression, a_refresh_that_is_not_run_does_not_keep_its_key) {
  manual_clock time;
  thread_pool pool("refresh", 1, 1'000'000);
  numbers values({.entries_max = 10,
                  .time_to_live = seconds(10),
                  .refresh_after = seconds(1),
                  .background = &pool,
                  .time = &time});
  std::latch stopping(1);
  ASSERT_TRUE(pool.post([&] { stopping.wait(); }));
  values.insert(1, 1);
  time.advance(seconds(2));
  EXPECT_EQ(values.get_or_load(1, [](int) { return 2; }), 1);
  // The pool stops with the refresh in its queue.
  std::thread stopper([&] { pool.stop(); });
  while (pool.post([] {})) std::this_thread::yield();
  stopping.count_down();
  stopper.join();
  EXPECT_EQ(values.get_or_load(1, [](int) { return 2; }), 1) << "and refuses the next";
  time.advance(seconds(10));
  std::optional<int> answer;
  values.load_async(
      1, [](int, completion<numbers> complete) { complete(3); },
      [&](const loaded<int>& brought) { answer = *brought.value(); });
  EXPECT_EQ(answer, 3) << "nobody waits for a refresh that will not come";
  values.validate();
}

// --- 13. The time of a use goes to another value: moka#363, caffeine#30.

TYPED_TEST(cache_regression_shapes, the_time_of_a_use_is_not_given_to_a_later_value) {
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
TEST(cache_regression, an_entry_that_is_used_stays_whatever_else_happens) {
  manual_clock time;
  numbers values({.entries_max = 100, .time_to_idle = seconds(10), .time = &time});
  values.insert(1, 1);
  for (int round = 0; round < 50; ++round) {
    time.advance(seconds(9));
    ASSERT_EQ(values.get(1), 1) << "used " << 9 << " seconds ago";
    values.insert(2 + round, 0);
    if (round % 2 == 0) values.maintain();
  }
  time.advance(seconds(11));
  EXPECT_EQ(values.get(1), std::nullopt);
  values.validate();
}

TEST(cache_regression, a_refresh_does_not_take_back_the_time_of_a_use) {
  manual_clock time;
  manual_executor background;
  numbers::options_type settings{
      .entries_max = 10, .refresh_after = seconds(1), .background = &background, .time = &time};
  settings.expires.after_create = [](int, int) { return seconds(10); };
  settings.expires.after_read = [](int, int, nanoseconds) { return seconds(10); };
  numbers values(settings);
  values.insert(1, 1);
  time.advance(seconds(9));
  EXPECT_EQ(values.get_or_load(1, [](int) { return 2; }), 1);
  background.run_all();
  time.advance(seconds(9));
  EXPECT_EQ(values.peek(1), 2) << "used 9 seconds ago";
  time.advance(seconds(2));
  EXPECT_EQ(values.peek(1), std::nullopt);
  values.validate();
}

TEST(cache_regression, what_was_expired_and_is_written_anew_is_not_removed_as_expired) {
  manual_clock time;
  std::vector<int> expired;
  numbers values({.entries_max = 100,
                  .listener =
                      [&](int, int value, removal_cause cause) {
                        if (cause == removal_cause::expired) expired.push_back(value);
                      },
                  .time_to_live = seconds(10),
                  .time = &time});
  values.insert(1, 1);
  time.advance(seconds(11));
  EXPECT_EQ(values.insert(1, 2), outcome::inserted);
  values.maintain();
  EXPECT_EQ(values.get(1), 2);
  EXPECT_EQ(expired, std::vector<int>{1});
  values.validate();
}

// --- 14. Shards split the bound: quick_cache#26, quick_cache#65, quick_cache#17, quick_cache#94,
// lance#7953, rocksdb#13964.

TEST(cache_regression, every_part_of_the_bound_can_be_used_and_no_more) {
  for (const std::size_t bound : {1U, 2U, 3U, 10U, 100U, 1'000U, 3'001U}) {
    numbers values({.entries_max = bound});
    // Whichever keys: what fits is all there, however small the cache is.
    for (int rounds = 0; rounds < 3; ++rounds)
      for (std::size_t key = 0; key < bound; ++key) values.insert(static_cast<int>(key * 1'024), 1);
    for (std::size_t key = 0; key < bound; ++key)
      EXPECT_TRUE(values.get(static_cast<int>(key * 1'024)).has_value()) << key << " of " << bound;
    for (int key = 0; key < 5'000; ++key) {
      values.insert(-1 - key, 1);
      ASSERT_EQ(values.size(), bound);
    }
    values.validate();
  }
}

TEST(cache_regression, an_entry_may_weigh_as_much_as_the_whole_bound) {
  numbers values({.weight_max = 1'000,
                  .weigher = [](int, int value) { return static_cast<std::size_t>(value); }});
  for (int key = 0; key < 1'000; ++key) EXPECT_EQ(values.insert(key, 1), outcome::inserted);
  EXPECT_EQ(values.weight(), 1'000U) << "no budget of a part is full before";
  for (const int heavy : {990, 999, 1'000}) {
    EXPECT_EQ(values.insert(-heavy, heavy), outcome::inserted);
    EXPECT_EQ(values.get(-heavy), heavy);
    EXPECT_LE(values.weight(), 1'000U);
  }
  EXPECT_EQ(values.insert(-1'001, 1'001), outcome::too_heavy);
  EXPECT_EQ(values.get(-1'000), 1'000);
  values.validate();
}

// --- 15. What is obtained overwrites what is newer, or grows without a bound meanwhile:
// FusionCache#651, foyer#802, foyer#1121, swr-cache, as far as it concerns one tier.

TEST(cache_regression, a_load_that_began_before_a_write_never_overwrites_it) {
  manual_clock time;
  manual_executor background;
  numbers values(
      {.entries_max = 10, .refresh_after = seconds(1), .background = &background, .time = &time});
  const std::vector<std::function<void()>> writes{
      [&] { values.insert(1, 5); },
      [&] { values.insert_if_absent(1, 5), values.replace(1, 5); },
      [&] { values.compute(1, [](const int*) { return std::optional(5); }); },
      [&] { values.merge(1, 5, [](int, int combined) { return combined; }); },
      [&] { values.remove(1), values.insert(1, 5); },
  };
  for (const auto& write : writes) {
    values.clear();
    const auto written_meanwhile = [&](int) { return write(), 7; };
    EXPECT_EQ(values.get_or_load(1, written_meanwhile), 7);
    EXPECT_EQ(values.get(1), 5) << "blocking";
    values.clear();
    values.load_async(
        1, [&](int, completion<numbers> complete) { write(), complete(7); }, [](const auto&) {});
    EXPECT_EQ(values.get(1), 5) << "not blocking";
    time.advance(seconds(2));
    EXPECT_EQ(values.get_or_load(1, written_meanwhile), 5);
    background.run_all();
    EXPECT_EQ(values.get(1), 5) << "refreshing";
  }
  values.validate();
}

TEST(cache_regression, replacing_while_loading_is_bounded) {
  cache<int, std::string> values({.entries_max = 10});
  const std::string text(100, 'v');
  std::size_t most = 0;
  const auto load = [&](int key) {
    for (int times = 0; times < 50'000; ++times) {
      values.insert(key, text);
      most = std::max(most, values.memory_used());
    }
    return text;
  };
  values.insert(1, text);
  const std::size_t before = values.memory_used();
  EXPECT_EQ(values.get_or_load(2, load), text);
  EXPECT_LE(most, before + 200 * sizeof(std::string));
  EXPECT_EQ(values.size(), 2U);
  values.validate();
}

TEST(cache_regression, a_write_meanwhile_does_not_make_a_second_load) {
  numbers values({.entries_max = 10});
  std::vector<completion<numbers>> begun;
  std::vector<int> answers;
  const auto ask = [&] {
    values.load_async(
        1, [&](int, completion<numbers> complete) { begun.push_back(std::move(complete)); },
        [&](const loaded<int>& brought) { answers.push_back(*brought.value()); });
  };
  ask();
  ask();
  values.insert(1, 5);
  ask();
  EXPECT_EQ(answers, std::vector<int>{5}) << "what was written answers";
  values.remove(1);
  ask();
  ask();
  ASSERT_EQ(begun.size(), 2U) << "a load before and one after";
  begun[0](6);
  begun[1](7);
  EXPECT_EQ(answers, (std::vector<int>{5, 6, 6, 7, 7}));
  EXPECT_EQ(values.get(1), 7);
  values.validate();
}
}  // namespace
}  // namespace lodestar::cache
