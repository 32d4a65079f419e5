// Goal: functions, keys and values of the caller that throw, answer nonsense or come back are
// contained: the call fails, nothing is lost and no key stays locked.
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {
namespace {

using numbers = cache<int, int>;
using std::chrono::seconds;

/// The heaviest bound that may be.
constexpr std::size_t heaviest = unbounded / 2;

/// Does something at its call number `countdown`, once.
struct trap {
  int countdown = 0;
  std::function<void()> spring;

  void step() {
    if (countdown == 0 || --countdown != 0) return;
    spring();
  }
  void set_to_throw(int at) {
    countdown = at;
    spring = [] { throw std::runtime_error("as told"); };
  }
};

struct trapped_hash {
  static inline trap hashing;
  std::size_t operator()(int key) const {
    hashing.step();
    return static_cast<std::size_t>(key);
  }
};
using trapped_keys = cache<int, int, trapped_hash>;

/// A value that throws when it is copied.
class trapped_value {
 public:
  static inline trap copying;

  explicit trapped_value(int number) : number_(number) {}
  trapped_value(const trapped_value& other) : number_(other.number_) { copying.step(); }
  trapped_value(trapped_value&&) noexcept = default;
  trapped_value& operator=(const trapped_value&) = default;
  ~trapped_value() = default;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};
using trapped_values = cache<int, trapped_value>;

/// Whether a load of the key is answered at once: no other one is still expected to answer.
template <class Cache>
bool is_free_to_load(Cache& values, int key, const typename Cache::value_type& value) {
  bool answered = false;
  values.load_async(
      key, [&](int, completion<Cache> complete) { complete(value); },
      [&](const auto& brought) { answered = brought.value() != nullptr; });
  return answered;
}

TEST(cache_misbehaviour, a_value_that_was_found_while_boarding_is_not_stored_again) {
  trapped_keys values(
      {.entries_max = 10, .failure_time_to_live = std::chrono::seconds(1), .statistics = true});
  // The second hash is taken after the miss and before the boarding.
  trapped_hash::hashing.countdown = 2;
  trapped_hash::hashing.spring = [&] { values.insert(1, 11); };
  EXPECT_EQ(values.get_or_load(1, [](int) { return 12; }), 11);
  EXPECT_EQ(values.stats().loads, 0U) << "there was none";
  EXPECT_EQ(values.stats().insertions, 1U);
  values.validate();
}

TEST(cache_misbehaviour, a_hash_that_throws_leaves_no_key_locked) {
  for (int at = 1; at < 12; ++at) {
    trapped_keys values({.entries_max = 10, .failure_time_to_live = std::chrono::seconds(1)});
    trapped_hash::hashing.set_to_throw(at);
    try {
      EXPECT_EQ(values.get_or_load(1, [](int) { return 1; }), 1);
      EXPECT_EQ(values.insert(2, 2), outcome::inserted);
      EXPECT_EQ(values.get(2), 2);
      EXPECT_TRUE(values.remove(2));
    } catch (const std::runtime_error&) {
    }
    trapped_hash::hashing.countdown = 0;
    EXPECT_TRUE(is_free_to_load(values, 1, 1)) << "thrown at call " << at;
    EXPECT_NE(values.insert(2, 3), outcome::too_heavy);
    EXPECT_EQ(values.get(2), 3);
    values.validate();
  }
}

TEST(cache_misbehaviour, a_value_that_throws_when_copied_leaves_no_key_locked) {
  for (int at = 1; at < 8; ++at) {
    trapped_values values({.entries_max = 10});
    trapped_value::copying.set_to_throw(at);
    try {
      const auto loaded = values.get_or_load(1, [](int) { return trapped_value(1); });
      EXPECT_EQ(loaded->number(), 1);
      EXPECT_EQ(values.get(1)->number(), 1);
    } catch (const std::runtime_error&) {
    }
    trapped_value::copying.countdown = 0;
    EXPECT_TRUE(is_free_to_load(values, 1, trapped_value(1))) << "thrown at copy " << at;
    values.validate();
  }
}

TEST(cache_misbehaviour, impossible_options_are_named) {
  const auto weigh = [](const int&, const int&) { return std::size_t{1}; };
  const auto place_of = [](const numbers::options_type& settings) {
    const auto mistake = find_mistake(settings);
    return mistake && !mistake->message.empty() && !mistake->hint.empty() ? mistake->place : "";
  };
  EXPECT_EQ(place_of({}), "entries_max, weight_max");
  EXPECT_EQ(place_of({.entries_max = 1, .weight_max = 1, .weigher = weigh}),
            "entries_max, weight_max");
  EXPECT_EQ(place_of({.weight_max = 1}), "weigher");
  EXPECT_EQ(place_of({.entries_max = 1, .weigher = weigh}), "weigher");
  EXPECT_EQ(place_of({.entries_max = std::size_t{1} << 24U}), "entries_max");
  EXPECT_EQ(place_of({.weight_max = unbounded - 1, .weigher = weigh}), "weight_max");
  EXPECT_EQ(place_of({.entries_max = 1, .time_to_live = -seconds(1)}), "time_to_live");
  EXPECT_EQ(place_of({.entries_max = 1, .time_to_idle = nanoseconds(0)}), "time_to_idle");
  EXPECT_EQ(place_of({.entries_max = 1, .refresh_after = seconds(1)}), "refresh_after, background");
  inline_executor here;
  EXPECT_EQ(place_of({.entries_max = 1, .refresh_after = -seconds(1), .background = &here}),
            "refresh_after");
  EXPECT_EQ(place_of({.entries_max = 1, .failure_time_to_live = -seconds(1)}),
            "failure_time_to_live");
  EXPECT_EQ(place_of({.entries_max = 1,
                      .failure_time_to_live = seconds(1),
                      .failures_max = std::size_t{1} << 24U}),
            "failures_max");
  EXPECT_EQ(place_of({.entries_max = 1, .time = nullptr}), "time, random");
  EXPECT_EQ(place_of({.entries_max = 1, .random = nullptr}), "time, random");
  EXPECT_EQ(find_mistake(numbers::options_type{.entries_max = 0}), std::nullopt);
  EXPECT_EQ(find_mistake(numbers::options_type{.weight_max = heaviest, .weigher = weigh}),
            std::nullopt);
}

TEST(cache_misbehaviour, a_weigher_that_answers_nonsense_breaks_no_bound) {
  std::size_t weight = 0;
  numbers values({.weight_max = heaviest, .weigher = [&](int, int) { return weight; }});
  int key = 0;
  for (const std::size_t nonsense : {heaviest, unbounded, heaviest / 2 + 1, heaviest - 1,
                                     std::size_t{1}, std::size_t{0}, heaviest + 1}) {
    weight = nonsense;
    EXPECT_EQ(values.insert(++key, 1),
              nonsense > heaviest ? outcome::too_heavy : outcome::inserted);
    EXPECT_EQ(values.get(key).has_value(), nonsense <= heaviest);
    EXPECT_LE(values.weight(), heaviest);
    values.validate();
  }
}

TEST(cache_misbehaviour, a_weigher_that_throws_changes_nothing) {
  trap weighing;
  numbers values({.weight_max = 10, .weigher = [&](int, int) {
                    weighing.step();
                    return std::size_t{1};
                  }});
  EXPECT_EQ(values.insert(1, 10), outcome::inserted);
  const std::vector<std::function<void()>> writes{
      [&] { values.insert(1, 11); },
      [&] { values.insert(2, 20); },
      [&] { values.insert_if_absent(2, 20); },
      [&] { values.replace(1, 11); },
      [&] { values.replace_if_equal(1, 10, 11); },
      [&] { values.compute(1, [](const int*) { return std::optional(11); }); },
      [&] { values.merge(1, 1, [](int one, int other) { return one + other; }); },
      [&] { static_cast<void>(values.get_or_load(2, [](int) { return 20; })); },
  };
  for (const auto& write : writes) {
    weighing.set_to_throw(1);
    EXPECT_THROW(write(), std::runtime_error);
    EXPECT_EQ(values.get(1), 10);
    EXPECT_EQ(values.get(2), std::nullopt);
    values.validate();
  }
  EXPECT_TRUE(is_free_to_load(values, 2, 20));
}

TEST(cache_misbehaviour, functions_of_time_that_throw_change_nothing) {
  trap asked;
  auto settings = numbers::options_type{.entries_max = 10};
  settings.expires.after_create = [&](int, int) { return asked.step(), seconds(1); };
  settings.expires.after_update = [&](int, int, nanoseconds) { return asked.step(), seconds(1); };
  settings.expires.after_read = [&](int, int, nanoseconds) { return asked.step(), seconds(1); };
  numbers values(settings);
  EXPECT_EQ(values.insert(1, 10), outcome::inserted);
  const std::vector<std::function<void()>> calls{
      [&] { values.insert(1, 11); },
      [&] { values.insert(2, 20); },
      [&] { static_cast<void>(values.get(1)); },
      [&] { static_cast<void>(values.get_or_load(2, [](int) { return 20; })); },
  };
  for (const auto& call : calls) {
    asked.set_to_throw(1);
    EXPECT_THROW(call(), std::runtime_error);
    EXPECT_EQ(values.peek(1), 10);
    EXPECT_EQ(values.peek(2), std::nullopt);
    values.validate();
  }
  EXPECT_TRUE(is_free_to_load(values, 2, 20));
}

TEST(cache_misbehaviour, comparisons_that_throw_leave_nothing_locked) {
  struct trapped_equal {
    static trap& comparing() {
      static trap only;
      return only;
    }
    bool operator()(int one, int other) const {
      comparing().step();
      return one == other;
    }
  };
  cache<int, int, std::hash<int>, trapped_equal> values({.entries_max = 10});
  values.insert(1, 10);
  for (int at = 1; at < 6; ++at) {
    trapped_equal::comparing().set_to_throw(at);
    try {
      values.insert(1, 10);
      values.remove_if_equal(1, 11);
      static_cast<void>(values.get_or_load(1, [](int) { return 10; }));
    } catch (const std::runtime_error&) {
    }
    trapped_equal::comparing().countdown = 0;
    EXPECT_EQ(values.get(1), 10);
    EXPECT_TRUE(is_free_to_load(values, 1, 10));
    values.validate();
  }
}

TEST(cache_misbehaviour, what_a_start_throws_after_it_completed_is_not_a_second_answer) {
  numbers values({.entries_max = 10});
  int answers = 0;
  values.load_async(
      1,
      [](int, completion<numbers> complete) {
        complete(7);
        throw std::runtime_error("too late");
      },
      [&](const loaded<int>& brought) {
        ++answers;
        EXPECT_EQ(*brought.value(), 7);
      });
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(values.get(1), 7);
}

TEST(cache_misbehaviour, thousands_who_give_up_one_after_the_other_do_not_overflow_the_stack) {
  numbers values({.entries_max = 10});
  std::optional<completion<numbers>> held;
  constexpr int others = 50'000;
  int begun = 0, cancelled = 0;
  const auto count = [&](const loaded<int>& brought) {
    cancelled += brought.failure()->code == error_code::cancelled ? 1 : 0;
  };
  values.load_async(
      1, [&](int, completion<numbers> complete) { held.emplace(std::move(complete)); }, count);
  for (int each = 0; each < others; ++each)
    values.load_async(1, [&](int, const completion<numbers>&) { ++begun; }, count);
  held.reset();
  EXPECT_EQ(begun, others);
  EXPECT_EQ(cancelled, others + 1);
}

}  // namespace
}  // namespace lodestar::cache
