// Goal: functions, keys and values of the caller that throw, answer nonsense or come back are
// contained: the call fails, nothing is lost and no key stays locked.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace lodestar::cache
