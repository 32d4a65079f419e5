// Goal: whatever 2 to 4 threads do to a cache at the same time, what they saw can be explained by
// one order of their operations; nothing is served after its time; and a cache that loses an update
// would be found. LODESTAR_HISTORIES says how many histories are tried in all (2,000).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/cache/cache.hpp>

#include "cache_model.hpp"
#include "thread_team.hpp"
#include "value_forms.hpp"

namespace lodestar::cache {
namespace {

using linearizability::check;
using linearizability::history;
using linearizability::recorder;
using operation = linearizability::map_operation;

constexpr std::size_t operations_max = 8;
constexpr std::size_t threads_max = 4;
constexpr int keys_max = 5;
// The tests that share LODESTAR_HISTORIES: 3 kinds of value, 4 kinds of limit.
constexpr std::size_t parts = 12;

std::size_t histories_of_a_part() {
  const char* const wanted = std::getenv("LODESTAR_HISTORIES");
  const std::size_t all = wanted == nullptr ? 2'000 : std::strtoull(wanted, nullptr, 10);
  return all / parts + 1;
}

// --- the cache under test

/// Rests where the cache compares keys: between the steps of its operations.
struct restless_equal {
  bool operator()(int one, int other) const {
    rest_now_and_then(12);
    return one == other;
  }
};

template <class Form>
using tested = cache<int, typename Form::value, std::hash<int>, restless_equal>;

// --- what one history does

struct limits {
  std::size_t entries_max = 1'000;
  int keys = 2;
  bool expires = false;
};

constexpr milliseconds time_to_live{10};

/// One cache and one history of it. Values are numbers that nobody else stores, or in every other
/// history one of three, so that a value may come back.
template <class Model, class Cache, class Form>
class trial {
 public:
  trial(std::size_t threads, const limits& within, std::uint64_t seed)
      : within_(within),
        seed_(seed),
        unique_(within.expires || seed % 2 == 0),
        cache_({.entries_max = within.entries_max,
                .time_to_live = within.expires ? nanoseconds(time_to_live) : never,
                .time = &time_}),
        record_(threads, operations_max * keys_max) {
    for (auto& each : stale_from_) each.store(never.count(), std::memory_order_relaxed);
  }

  void run(std::size_t me) {
    small_random random(seed_ * threads_max + me);
    caller self{me, random, {}};
    const std::size_t count = 4 + random.below(operations_max - 3);
    for (std::size_t index = 0; index < count; ++index) {
      rest_now_and_then(4);
      if (within_.expires && me == 0 && random.below(3) == 0) time_.advance(milliseconds(4));
      act(self);
    }
  }

  [[nodiscard]] history<Model> finish() {
    cache_.validate();
    return record_.take();
  }
  [[nodiscard]] bool served_too_late() const { return served_too_late_.load(); }

 private:
  struct caller {
    std::size_t me;
    small_random& random;
    std::array<std::int64_t, keys_max> last_seen;
  };

  void act(caller& self) {
    const int key = static_cast<int>(self.random.below(static_cast<std::uint32_t>(within_.keys)));
    const std::int64_t expected = self.last_seen[static_cast<std::size_t>(key)];
    switch (self.random.below(13)) {
      case 0:
      case 1: return get(self, key);
      case 2:
        return run_it(self, Model::contains(key),
                      [&](auto) { return Model::done(cache_.contains(key)); });
      case 3:
        return store(self, Model::insert(key, fresh(self)), outcome::replaced,
                     [&](auto value) { return cache_.insert(key, value); });
      case 4:
        return store(self, Model::insert_if_absent(key, fresh(self)), outcome::inserted,
                     [&](auto value) { return cache_.insert_if_absent(key, value); });
      case 5:
        return store(self, Model::replace(key, fresh(self)), outcome::replaced,
                     [&](auto value) { return cache_.replace(key, value); });
      case 6:
        return store(
            self, Model::replace_if(key, expected, fresh(self)), outcome::replaced,
            [&](auto value) { return cache_.replace_if_equal(key, Form::make(expected), value); });
      case 7:
        return run_it(self, Model::remove(key),
                      [&](auto) { return Model::done(cache_.remove(key)); });
      case 8:
        return run_it(self, Model::remove_if(key, expected), [&](auto) {
          return Model::done(cache_.remove_if_equal(key, Form::make(expected)));
        });
      case 9: return compute(self, key);
      case 10: return merge(self, key);
      case 11: return invalidate(self, key);
      default: return load(self, key);
    }
  }

  template <class Operation>
  void run_it(caller& self, typename Model::input in, Operation&& what) {
    const steady_time before = time_.now();
    record_.run(self.me, in, [&] {
      auto out = what(Form::make(in.value));
      if (out.value && *out.value != in.value) serve(*out.value, before);
      return out;
    });
    stored(in.value);
  }
  template <class Operation>
  void store(caller& self, typename Model::input in, outcome did, Operation&& what) {
    run_it(self, in, [&](auto value) { return Model::done(what(std::move(value)) == did); });
  }

  void get(caller& self, int key) {
    run_it(self, Model::get(key), [&](auto) {
      const auto value = cache_.get(key);
      if (value) self.last_seen[static_cast<std::size_t>(key)] = Form::read(*value);
      return Model::found(value ? std::optional(Form::read(*value)) : std::nullopt);
    });
  }
  void compute(caller& self, int key) {
    auto in = Model::compute(key);
    in.value = fresh(self);
    const bool removes = self.random.below(3) == 0;
    run_it(self, in, [&](auto made) {
      std::optional<std::int64_t> seen;
      cache_.compute(key, [&](const typename Form::value* present) {
        seen = present != nullptr ? std::optional(Form::read(*present)) : std::nullopt;
        rest_now_and_then(2);
        return removes ? std::nullopt : std::optional(made);
      });
      return Model::computed(seen, removes ? std::nullopt : std::optional(in.value));
    });
  }
  /// As a compute whose value is that of the function when it was called.
  void merge(caller& self, int key) {
    auto in = Model::compute(key);
    in.value = fresh(self);
    const auto combined = fresh(self);
    bool called = false;
    run_it(self, in, [&](auto made) {
      std::optional<std::int64_t> seen;
      called = cache_.merge(key, made, [&](const auto& present, const auto&) {
        seen = Form::read(present);
        rest_now_and_then(2);
        return Form::make(combined);
      }) == outcome::replaced;
      return Model::computed(called ? seen : std::nullopt, called ? combined : in.value);
    });
    stored(combined);
  }
  void invalidate(caller& self, int key) {
    switch (self.random.below(3)) {
      case 0:
        return run_it(self, Model::invalidate(key), [&](auto) {
          cache_.invalidate_if([key](int each, const auto&) {
            rest_now_and_then(2);
            return each == key;
          });
          return Model::done(true);
        });
      case 1: {
        std::vector<typename Model::input> all;
        for (int each = 0; each < within_.keys; ++each) all.push_back(Model::invalidate(each));
        return record_.run(self.me, all, [&] {
          cache_.invalidate_all();
          return Model::done(true);
        });
      }
      default: cache_.maintain();
    }
  }
  void load(caller& self, int key) {
    auto in = Model::get_or_load(key);
    in.value = fresh(self);
    run_it(self, in, [&](auto made) {
      bool loaded = false;
      const auto value = cache_.get_or_load(key, [&](int) {
        loaded = true;
        rest_now_and_then(2);
        return made;
      });
      return Model::loaded(loaded, value ? Form::read(*value) : torn);
    });
  }

  [[nodiscard]] std::int64_t fresh(caller& self) {
    if (!unique_) return 1 + self.random.below(3);
    return next_value_.fetch_add(1, std::memory_order_relaxed);
  }
  // What was stored by now is stale when its time has passed from now on.
  void stored(std::int64_t value) {
    if (!within_.expires) return;
    const auto when = time_.now() + time_to_live + microseconds(2);
    stale_from_[static_cast<std::size_t>(value)].store(when.time_since_epoch().count(),
                                                       std::memory_order_release);
  }
  void serve(std::int64_t value, steady_time asked) {
    if (!within_.expires || value <= 0) return;
    const auto stale = stale_from_[static_cast<std::size_t>(value)].load(std::memory_order_acquire);
    if (asked.time_since_epoch().count() >= stale) served_too_late_.store(true);
  }

  const limits within_;
  const std::uint64_t seed_;
  const bool unique_;
  manual_clock time_;
  Cache cache_;
  recorder<Model> record_;
  std::atomic<std::int64_t> next_value_{1};
  std::array<std::atomic<std::int64_t>, 3 * threads_max * operations_max> stale_from_;
  std::atomic<bool> served_too_late_{false};
};

/// Tries histories of 2, 3 and 4 threads until one is violated; that one's explanation.
template <class Model, class Cache, class Form>
std::optional<std::string> find_violation(std::size_t histories, const limits& within) {
  for (std::size_t threads = 2; threads <= threads_max; ++threads) {
    thread_team team(threads);
    for (std::size_t index = threads - 2; index < histories; index += 3) {
      trial<Model, Cache, Form> tried(threads, within, index);
      team.run([&](std::size_t me) { tried.run(me); });
      const auto verdict = check<Model>(tried.finish());
      if (!verdict.holds()) return "history " + std::to_string(index) + "\n" + verdict.explanation;
      if (tried.served_too_late()) return "history " + std::to_string(index) + ": served too late";
    }
  }
  return std::nullopt;
}

template <class Form>
class cache_histories : public testing::Test {
 protected:
  template <class Model>
  static void expect_linearizable(const limits& within) {
    const auto violation = find_violation<Model, tested<Form>, Form>(histories_of_a_part(), within);
    EXPECT_FALSE(violation) << *violation;
  }
};

using forms = testing::Types<in_one_word, in_three_words, in_a_box>;
class form_names {
 public:
  template <class Form>
  static std::string GetName(int) {
    if (std::is_same_v<Form, in_one_word>) return "one_word";
    return std::is_same_v<Form, in_three_words> ? "three_words" : "boxed";
  }
};
TYPED_TEST_SUITE(cache_histories, forms, form_names);

TYPED_TEST(cache_histories, are_linearizable) {
  this->template expect_linearizable<cache_register>({});
}
TYPED_TEST(cache_histories, are_linearizable_but_for_evictions) {
  this->template expect_linearizable<evictable_cache_register>({.entries_max = 3, .keys = 5});
}
TYPED_TEST(cache_histories, are_linearizable_and_in_time_while_entries_expire) {
  this->template expect_linearizable<expiring_cache_register>({.expires = true});
}
TYPED_TEST(cache_histories, are_linearizable_and_in_time_while_entries_expire_and_are_evicted) {
  this->template expect_linearizable<expiring_cache_register>(
      {.entries_max = 3, .keys = 5, .expires = true});
}

// --- canaries

/// Computes in two steps: what is written between them is lost.
class losing_updates : public tested<in_one_word> {
 public:
  using tested<in_one_word>::cache;
  template <class Change>
  outcome compute(int key, Change&& change) {
    const auto present = get(key);
    const auto changed = change(present ? &*present : nullptr);
    if (changed) return insert(key, *changed);
    return remove(key) ? outcome::removed : outcome::absent;
  }
};

TEST(cache_histories_canary, a_lost_update_is_found) {
  const auto violation =
      find_violation<cache_register, losing_updates, in_one_word>(100'000, {.keys = 1});
  ASSERT_TRUE(violation);
  EXPECT_NE(violation->find("compute"), std::string::npos) << *violation;
}
TEST(cache_histories_canary, a_lost_update_is_found_among_evictions) {
  const limits within{.entries_max = 3, .keys = 4};
  EXPECT_TRUE(
      (find_violation<evictable_cache_register, losing_updates, in_one_word>(100'000, within)));
}

}  // namespace
}  // namespace lodestar::cache
