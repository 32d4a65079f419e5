// Loading from coroutines: one load for each key, whoever waits and however it ends.
#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/awaitable.hpp>
#include <small_task.hpp>

#include "thread_team.hpp"

namespace lodestar::cache {
namespace {

using numbers = cache<int, int>;
using texts = cache<std::string, std::string>;
using answer = result<int>;
using test::small_gate;
using test::small_task;

/// Awaits a load and says what came of it.
template <class Loader>
small_task<answer> ask(numbers& values, int key, Loader loader) {
  answer got = co_await values.load(key, loader);
  co_return got;
}

/// A loader that waits at a gate, counted while it exists.
struct gated_loader {
  small_gate& gate;
  int& begun;
  std::shared_ptr<int> alive = std::make_shared<int>();

  small_task<answer> operator()(int key) const { return wait(gate, begun, key, alive); }
  static small_task<answer> wait(small_gate& gate, int& begun, int key, std::shared_ptr<int>) {
    const int mine = ++begun;
    co_await gate;
    co_return key * 100 + mine;
  }
};

TEST(cache_awaitable, answers_at_once_when_the_value_is_present) {
  numbers values({.entries_max = 10, .statistics = true});
  values.insert(1, 5);
  int begun = 0;
  small_gate gate;
  auto asked = ask(values, 1, gated_loader{gate, begun});
  asked.begin();
  ASSERT_TRUE(asked.done());
  EXPECT_EQ(asked.get(), 5);
  EXPECT_EQ(begun, 0);
  EXPECT_EQ(values.stats().hits, 1U);
  values.validate();
}

TEST(cache_awaitable, loads_once_for_all_who_wait) {
  numbers values({.entries_max = 10});
  small_gate gate;
  int begun = 0;
  std::vector<small_task<answer>> asked;
  for (int each = 0; each < 5; ++each) {
    asked.push_back(ask(values, 7, gated_loader{gate, begun}));
    asked.back().begin();
    EXPECT_FALSE(asked.back().done());
  }
  EXPECT_EQ(begun, 1);
  int told = 0;
  static_cast<void>(values.load_async(
      7, [](int, completion<numbers>) { FAIL() << "there is a load"; },
      [&told](const loaded<int>& came) { told = came.get().value(); }));
  gate.pass_one();
  for (const auto& each : asked) {
    ASSERT_TRUE(each.done());
    EXPECT_EQ(each.get(), 701);
  }
  EXPECT_EQ(told, 701) << "those who do not await, too";
  EXPECT_EQ(values.get(7), 701);
  values.validate();
}

TEST(cache_awaitable, joins_a_load_that_others_began) {
  numbers values({.entries_max = 10});
  std::optional<completion<numbers>> started;
  static_cast<void>(values.load_async(
      1, [&started](int, completion<numbers> complete) { started.emplace(std::move(complete)); },
      [](const loaded<int>&) {}));
  small_gate gate;
  int begun = 0;
  auto asked = ask(values, 1, gated_loader{gate, begun});
  asked.begin();
  EXPECT_FALSE(asked.done());
  (*started)(9);
  ASSERT_TRUE(asked.done());
  EXPECT_EQ(asked.get(), 9);
  EXPECT_EQ(begun, 0);
}

TEST(cache_awaitable, hands_errors_and_exceptions_to_all_who_wait) {
  numbers values({.entries_max = 10});
  small_gate gate;
  const auto failing = [&gate](int) -> small_task<answer> {
    co_await gate;
    co_return fail(error_code::not_found, "there is no such number");
  };
  const auto throwing = [&gate](int) -> small_task<int> {
    co_await gate;
    throw std::runtime_error("no");
  };
  auto first = ask(values, 1, failing), second = ask(values, 1, failing);
  auto third = ask(values, 2, throwing), fourth = ask(values, 2, throwing);
  for (auto* const each : {&first, &second, &third, &fourth}) each->begin();
  gate.pass_one();
  gate.pass_one();
  EXPECT_EQ(first.get().error().code, error_code::not_found);
  EXPECT_EQ(second.get().error().code, error_code::not_found);
  EXPECT_THROW(static_cast<void>(third.get()), std::runtime_error);
  EXPECT_THROW(static_cast<void>(fourth.get()), std::runtime_error);
  const auto throwing_at_once = [](int) -> small_task<int> { throw std::logic_error("at once"); };
  struct never_begun {
    small_task<int> operator()(int) const { throw std::logic_error("not even a coroutine"); }
  };
  auto fifth = ask(values, 3, throwing_at_once);
  auto sixth = ask(values, 4, never_begun{});
  fifth.begin();
  sixth.begin();
  EXPECT_THROW(static_cast<void>(fifth.get()), std::logic_error);
  EXPECT_THROW(static_cast<void>(sixth.get()), std::logic_error);
  EXPECT_EQ(values.size(), 0U);
  values.validate();
}

/// Something to await that is no coroutine.
struct at_once {
  int number;
  static bool await_ready() noexcept { return true; }
  static void await_suspend(std::coroutine_handle<>) noexcept {}
  [[nodiscard]] int await_resume() const noexcept { return number; }
};

TEST(cache_awaitable, takes_anything_that_can_be_awaited) {
  numbers values({.entries_max = 10});
  auto plain = ask(values, 1, [](int key) { return at_once{key * 2}; });
  plain.begin();
  EXPECT_EQ(plain.get(), 2);
  at_once shared{7};
  auto reference = ask(values, 2, [&shared](int) -> at_once& { return shared; });
  reference.begin();
  EXPECT_EQ(reference.get(), 7);
  auto value = ask(values, 3, [](int key) -> small_task<int> { co_return key; });
  value.begin();
  EXPECT_EQ(value.get(), 3);
  EXPECT_EQ(values.get(3), 3);
}

/// With things to destroy in each place, but no closure among the temporaries: GCC 12 destroys its
/// captures twice.
small_task<std::string> ask_in_one_expression(texts& values, std::string& log) {
  const std::string separator = ", a separator that is long enough for the heap, ";
  const auto appending = [&log, separator](const std::string& key) -> small_task<std::string> {
    log += key;
    co_return key + separator;
  };
  const auto length =
      (co_await values.load(std::string("a key that is long enough for the heap"), appending))
          ->size();
  auto moved = [separator](const std::string& key) -> small_task<std::string> { co_return key; };
  const auto again =
      co_await values.load(std::string("a key that is long enough for the heap"), std::move(moved));
  co_return *again + std::to_string(length);
}

TEST(cache_awaitable, destroys_what_an_expression_makes_once) {
  texts values({.entries_max = 10});
  std::string log;
  auto asked = ask_in_one_expression(values, log);
  asked.begin();
  const std::string expected =
      "a key that is long enough for the heap, a separator that is long enough for the heap, ";
  EXPECT_EQ(asked.get(), expected + std::to_string(expected.size()));
  EXPECT_EQ(log, "a key that is long enough for the heap");
}

TEST(cache_awaitable, hands_over_when_the_coroutine_that_loads_is_destroyed) {
  numbers values({.entries_max = 10});
  small_gate gate;
  int begun = 0;
  const gated_loader loader{gate, begun};
  auto leading = std::make_unique<small_task<answer>>(ask(values, 1, loader));
  leading->begin();
  auto second = ask(values, 1, loader), third = ask(values, 1, loader);
  second.begin();
  third.begin();
  EXPECT_EQ(begun, 1);
  leading.reset();
  gate.forget_first();
  EXPECT_EQ(begun, 2) << "the second loads for itself";
  EXPECT_FALSE(second.done());
  gate.pass_one();
  EXPECT_EQ(second.get(), 102);
  EXPECT_EQ(third.get(), 102);
  EXPECT_EQ(values.get(1), 102);
}

TEST(cache_awaitable, leaves_nothing_behind_when_all_are_destroyed) {
  numbers values({.entries_max = 10});
  small_gate gate;
  int begun = 0;
  std::weak_ptr<int> alive;
  {
    const gated_loader loader{gate, begun};
    alive = loader.alive;
    auto leading = ask(values, 1, loader);
    auto second = ask(values, 1, loader);
    leading.begin();
    second.begin();
  }  // The second one goes first, and is not asked to load.
  EXPECT_EQ(begun, 1);
  EXPECT_TRUE(alive.expired()) << "loaders and their frames";
  auto later = ask(values, 1, [](int) { return at_once{3}; });
  later.begin();
  EXPECT_EQ(later.get(), 3);
  values.validate();
}

TEST(cache_awaitable, goes_on_when_one_who_only_waits_is_destroyed) {
  numbers values({.entries_max = 10});
  small_gate gate;
  int begun = 0;
  auto leading = ask(values, 1, gated_loader{gate, begun});
  leading.begin();
  {
    auto second = ask(values, 1, gated_loader{gate, begun});
    second.begin();
  }
  gate.pass_one();
  EXPECT_EQ(leading.get(), 101);
}

small_task<int> begin_without_awaiting(numbers& values, small_gate& gate, int& begun) {
  auto one = values.load(1, gated_loader{gate, begun});
  auto other = values.load(2, gated_loader{gate, begun});
  EXPECT_EQ(begun, 2) << "at the same time";
  const answer first = co_await one;
  const answer second = co_await other;
  co_return *first + *second;
}

TEST(cache_awaitable, begins_before_it_is_awaited) {
  numbers values({.entries_max = 10});
  small_gate gate;
  int begun = 0;
  auto asked = begin_without_awaiting(values, gate, begun);
  asked.begin();
  gate.pass_one();
  gate.pass_one();
  EXPECT_EQ(asked.get(), 101 + 202);
  {
    const auto unused = values.load(3, gated_loader{gate, begun});
  }
  gate.forget_first();
  EXPECT_FALSE(values.contains(3)) << "who does not want it any more loads nothing";
}

TEST(cache_awaitable, refreshes_behind_the_back_of_who_asks) {
  manual_clock time;
  manual_executor background;
  numbers values({.entries_max = 10,
                  .refresh_after = std::chrono::seconds(1),
                  .background = &background,
                  .time = &time});
  small_gate gate;
  int begun = 0;
  values.insert(1, 5);
  time.advance(std::chrono::seconds(2));
  {
    auto asked = ask(values, 1, gated_loader{gate, begun});
    asked.begin();
    ASSERT_TRUE(asked.done());
    EXPECT_EQ(asked.get(), 5);
  }
  EXPECT_EQ(begun, 1);
  gate.pass_one();
  EXPECT_EQ(values.get(1), 101) << "the coroutine that asked is gone";
}

TEST(cache_awaitable, may_end_after_its_cache) {
  small_gate gate;
  int begun = 0;
  std::optional<numbers> values(std::in_place, numbers::options_type{.entries_max = 10});
  auto asked = ask(*values, 1, gated_loader{gate, begun});
  asked.begin();
  values.reset();
  gate.pass_one();
  EXPECT_EQ(asked.get(), 101);
}

TEST(cache_awaitable, may_use_the_cache_when_it_is_resumed) {
  numbers values({.entries_max = 10});
  small_gate gate;
  int begun = 0;
  const auto chain = [](numbers& in, gated_loader loader) -> small_task<int> {
    const answer first = co_await in.load(1, loader);
    in.insert(5, *first);
    const answer second = co_await in.load(2, loader);
    co_return in.get(5).value() + *second;
  };
  auto asked = chain(values, gated_loader{gate, begun});
  asked.begin();
  gate.pass_one();
  gate.pass_one();
  EXPECT_EQ(asked.get(), 101 + 202);
  values.validate();
}

/// A value whose second copy throws: the one for whoever awaits.
struct dear_value {
  static inline int copies_left = 0;
  dear_value() = default;
  dear_value(const dear_value&) {
    if (copies_left-- == 0) throw std::runtime_error("no copy");
  }
  dear_value(dear_value&&) noexcept {}
  dear_value& operator=(const dear_value&) = default;
};

TEST(cache_awaitable, passes_on_what_copying_an_answer_throws) {
  cache<int, dear_value> values({.entries_max = 10});
  const auto asking = [](cache<int, dear_value>& in) -> small_task<bool> {
    const auto loader = [](int) -> small_task<dear_value> { co_return dear_value(); };
    const auto got = co_await in.load(1, loader);
    co_return got.has_value();
  };
  int thrown = 0;
  for (int copies = 0; copies < 6; ++copies) {
    values.clear();
    dear_value::copies_left = copies;
    auto asked = asking(values);
    asked.begin();
    ASSERT_TRUE(asked.done()) << "nobody waits for ever";
    try {
      EXPECT_TRUE(asked.get());
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  EXPECT_GT(thrown, 1);
  EXPECT_LT(thrown, 6);
  values.validate();
}

/// Awaits what another thread will resume it with.
struct remote_answer {
  std::atomic<void*>& place;
  static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept {
    place.store(coroutine.address(), std::memory_order_release);
  }
  static void await_resume() noexcept {}
};

TEST(cache_awaitable, resumes_each_once_wherever_and_whenever_the_load_ends) {
  // Goal: the load ends on another thread at the very moment at which coroutines suspend, again and
  // again; each gets its answer exactly once.
  constexpr int rounds = 2'000;
  numbers values({.entries_max = 10});
  std::atomic<void*> loading = nullptr;
  std::atomic<int> resumed = 0;
  const auto loader = [&loading](int) -> small_task<int> {
    co_await remote_answer{loading};
    co_return 7;
  };
  using loader_type = decltype(loader);
  const auto asking = [](numbers& in, const loader_type& load,
                         std::atomic<int>& count) -> small_task<int> {
    const answer got = co_await in.load(1, load);
    count.fetch_add(1);
    co_return got.value_or(-1);
  };
  thread_team team(3);
  for (int round = 0; round < rounds; ++round) {
    std::vector<small_task<int>> asked;
    asked.push_back(asking(values, loader, resumed));
    asked.push_back(asking(values, loader, resumed));
    std::atomic<int> begun = 0;
    team.run([&](std::size_t me) {
      if (me < 2) {
        rest_now_and_then(3);
        asked[me].begin();
        begun.fetch_add(1);
        return;
      }
      // Until both have been answered: the second may have come too late for the first load.
      while (begun.load() < 2 || loading.load() != nullptr) {
        void* const place = loading.exchange(nullptr, std::memory_order_acquire);
        if (place != nullptr) std::coroutine_handle<>::from_address(place).resume();
        std::this_thread::yield();
      }
    });
    for (const auto& each : asked) {
      ASSERT_TRUE(each.done());
      EXPECT_EQ(each.get(), 7);
    }
    EXPECT_EQ(resumed.load(), 2 * (round + 1));
    values.remove(1);
  }
  values.validate();
}

}  // namespace
}  // namespace lodestar::cache
