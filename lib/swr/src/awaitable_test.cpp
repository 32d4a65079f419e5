// Goal: coroutines get what cache.hpp promises, resumed once, or not at all when they are gone.
#include <lodestar/swr/awaitable.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lodestar/base/executor.hpp>
#include <lodestar/swr/testing/steered_store.hpp>
#include <lodestar/swr/testing/threaded_store.hpp>
#include <small_task.hpp>

#include "until.hpp"

namespace lodestar::swr {
namespace {

using std::chrono::milliseconds;
using test::small_gate;
using test::small_task;
using testing::until;
using numbers = cache<int, int>;
using outcome = result<answer<int>>;
using found = result<std::optional<answer<int>>>;
using task_of_answer = small_task<outcome>;

template <class Load>
task_of_answer ask(awaitable<numbers> values, int key, Load load, call_options how = {},
                   demand wanted = {}) {
  outcome got = co_await values.get_or_load(key, load, how, wanted);
  co_return got;
}
small_task<found> look(awaitable<numbers> values, int key) {
  found got = co_await values.get(key);
  co_return got;
}

/// A load that waits at a gate, counted while it exists.
struct gated_load {
  small_gate& gate;
  int& begun;
  std::shared_ptr<int> alive = std::make_shared<int>();

  small_task<int> operator()(int key) const { return wait(gate, begun, key, alive); }
  static small_task<int> wait(small_gate& gate, int& begun, int key, std::shared_ptr<int>) {
    const int mine = ++begun;
    co_await gate;
    co_return key * 100 + mine;
  }
};

/// GCC 12 makes no list of tags inside of a co_await expression.
loaded<int> even(int value) {
  return {.value = value, .tags = {"even"}};
}

error_code code_of(const outcome& what) {
  return what ? error_code::internal : what.error().code;
}

class swr_awaitable : public ::testing::Test {
 protected:
  numbers::options_type settings() {
    return {.name = "numbers",
            .keep = {.fresh_ms = 1'000, .stale_ms = 5'000, .fail_safe_ms = 60'000},
            .time = &time_,
            .timer = &timer_};
  }
  void advance(std::int64_t ms) {
    time_.advance(milliseconds(ms));
    timer_.run_due();
  }

  manual_clock time_;
  manual_scheduler timer_{time_};
  small_gate gate_;
  int begun_ = 0;
  numbers values_{settings()};
  awaitable<numbers> callers_{values_};
};

TEST_F(swr_awaitable, loads_once_for_all_who_wait) {
  std::vector<task_of_answer> asked;
  for (int each = 0; each < 5; ++each) {
    asked.push_back(ask(callers_, 7, gated_load{gate_, begun_}));
    asked.back().begin();
    EXPECT_FALSE(asked.back().done());
  }
  EXPECT_EQ(begun_, 1);
  gate_.pass_one();
  for (const auto& each : asked) {
    ASSERT_TRUE(each.done());
    EXPECT_EQ(each.get()->value, 701);
  }
  auto later = ask(callers_, 7, gated_load{gate_, begun_});
  later.begin();
  ASSERT_TRUE(later.done()) << "what memory has is returned without suspending";
  EXPECT_TRUE(later.get()->hit);
  EXPECT_EQ(values_.stats().hits, 1U);
  values_.validate();
}

/// Something to await that is no coroutine.
struct at_once {
  int number;
  static bool await_ready() noexcept { return true; }
  static void await_suspend(std::coroutine_handle<>) noexcept {}
  [[nodiscard]] int await_resume() const noexcept { return number; }
};
struct with_an_operator {
  int number;
  [[nodiscard]] at_once operator co_await() const noexcept { return {number}; }
};

TEST_F(swr_awaitable, takes_anything_that_can_be_awaited_and_plain_values) {
  const auto value_of = [](task_of_answer asked) {
    asked.begin();
    return asked.get()->value;
  };
  EXPECT_EQ(value_of(ask(callers_, 1, [](int key) { return at_once{key}; })), 1);
  EXPECT_EQ(value_of(ask(callers_, 2, [](int key) { return with_an_operator{key}; })), 2);
  at_once shared{3};
  EXPECT_EQ(value_of(ask(callers_, 3, [&shared](int) -> at_once& { return shared; })), 3);
  EXPECT_EQ(value_of(ask(callers_, 4, [](int key) { return key; })), 4);
  EXPECT_EQ(value_of(ask(callers_, 5, [](int key) { return loaded<int>{.value = key}; })), 5);
  const auto in_a_coroutine = [](int key) -> small_task<result<loaded<int>>> {
    co_return even(key);
  };
  EXPECT_EQ(value_of(ask(callers_, 6, in_a_coroutine)), 6);
  values_.remove_by_tag("even", nullptr);
  EXPECT_FALSE(values_.peek(6));
}

TEST_F(swr_awaitable, errors_and_exceptions_are_errors_for_all_who_wait) {
  const auto failing = [this](int) -> small_task<result<int>> {
    co_await gate_;
    co_return fail(error_code::not_found, "there is no such number");
  };
  const auto throwing = [this](int) -> small_task<int> {
    co_await gate_;
    throw std::runtime_error("no database");
  };
  auto first = ask(callers_, 1, failing), second = ask(callers_, 1, failing);
  auto third = ask(callers_, 2, throwing), fourth = ask(callers_, 2, throwing);
  for (auto* const each : {&first, &second, &third, &fourth}) each->begin();
  gate_.pass_one();
  gate_.pass_one();
  EXPECT_EQ(code_of(first.get()), error_code::not_found);
  EXPECT_EQ(code_of(second.get()), error_code::not_found);
  EXPECT_EQ(third.get().error().message, "the loader threw: no database");
  EXPECT_EQ(fourth.get().error().code, error_code::internal);
  struct never_begun {
    small_task<int> operator()(int) const { throw std::logic_error("not even a coroutine"); }
  };
  auto fifth = ask(callers_, 3, never_begun{});
  fifth.begin();
  EXPECT_EQ(code_of(fifth.get()), error_code::internal);
  values_.validate();
}

small_task<int> change(awaitable<numbers> values) {
  const result<void> set = co_await values.set(1, 5);
  const result<void> tagged = co_await values.set(2, even(6));
  found one = co_await values.get(1);
  const result<void> removed = co_await values.remove(1);
  found gone = co_await values.get(1);
  const result<void> untagged = co_await values.remove_by_tag("even");
  found also_gone = co_await values.get(2);
  const result<void> cleared = co_await values.clear();
  const bool all = set && tagged && removed && untagged && cleared;
  co_return all && !*gone && !*also_gone ? (*one)->value : -1;
}

TEST_F(swr_awaitable, sets_and_removes) {
  auto changing = change(callers_);
  changing.begin();
  ASSERT_TRUE(changing.done());
  EXPECT_EQ(changing.get(), 5);
}

TEST_F(swr_awaitable, a_stale_entry_is_returned_and_revalidated_behind_its_back) {
  values_.set(1, {.value = 5}, {}, nullptr);
  advance(1'500);
  {
    auto asked = ask(callers_, 1, gated_load{gate_, begun_});
    asked.begin();
    ASSERT_TRUE(asked.done());
    EXPECT_EQ(asked.get()->value, 5);
    EXPECT_EQ(asked.get()->state, freshness::stale);
  }
  EXPECT_EQ(begun_, 1);
  gate_.pass_one();
  EXPECT_EQ(values_.peek(1)->value, 101) << "the coroutine that asked is gone";
}

TEST_F(swr_awaitable, a_destroyed_coroutine_is_not_answered_and_its_load_goes_on) {
  std::weak_ptr<int> alive;
  auto leading = [&] {
    gated_load load{gate_, begun_};
    alive = load.alive;
    return std::make_unique<task_of_answer>(ask(callers_, 1, load));
  }();
  leading->begin();
  auto second = ask(callers_, 1, gated_load{gate_, begun_});
  second.begin();
  {
    auto third = ask(callers_, 1, gated_load{gate_, begun_});
    third.begin();
  }
  leading.reset();
  EXPECT_FALSE(alive.expired()) << "its load runs for the second";
  gate_.pass_one();
  ASSERT_TRUE(second.done());
  EXPECT_EQ(second.get()->value, 101);
  EXPECT_EQ(begun_, 1);
  EXPECT_TRUE(alive.expired());
  values_.validate();
}

TEST_F(swr_awaitable, one_that_never_awaits_what_it_began_is_not_answered) {
  {
    const auto unused = callers_.get_or_load(1, gated_load{gate_, begun_});
  }
  gate_.pass_one();
  EXPECT_EQ(values_.peek(1)->value, 101);
}

TEST_F(swr_awaitable, timeouts_resume_it_and_the_load_goes_on) {
  auto asked = ask(callers_, 1, gated_load{gate_, begun_}, {.hard_timeout_ms = 100});
  asked.begin();
  advance(100);
  ASSERT_TRUE(asked.done());
  EXPECT_EQ(code_of(asked.get()), error_code::deadline_exceeded);
  gate_.pass_one();
  EXPECT_EQ(values_.peek(1)->value, 101);
}

TEST_F(swr_awaitable, a_load_that_asks_for_its_own_key_is_refused) {
  const auto asking = [this](int key) -> small_task<result<int>> {
    const auto plain = [](int) { return 0; };
    outcome inner = co_await callers_.get_or_load(key, plain);
    if (!inner) co_return std::unexpected(inner.error());
    co_return inner->value;
  };
  auto asked = ask(callers_, 1, asking);
  asked.begin();
  ASSERT_TRUE(asked.done());
  EXPECT_EQ(code_of(asked.get()), error_code::invalid_argument);
}

TEST_F(swr_awaitable, one_that_does_so_later_waits_until_load_ms_max) {
  const auto asking = [this](int key) -> small_task<result<int>> {
    co_await gate_;
    const auto plain = [](int) { return 0; };
    outcome inner = co_await callers_.get_or_load(key, plain);
    if (!inner) co_return std::unexpected(inner.error());
    co_return inner->value;
  };
  auto asked = ask(callers_, 1, asking);
  asked.begin();
  gate_.pass_one();
  EXPECT_FALSE(asked.done());
  advance(60'000);
  ASSERT_TRUE(asked.done());
  EXPECT_EQ(code_of(asked.get()), error_code::deadline_exceeded);
  values_.validate();
}

TEST_F(swr_awaitable, may_end_after_its_cache) {
  std::optional<numbers> values(std::in_place, settings());
  auto asked = ask(awaitable<numbers>(*values), 1, gated_load{gate_, begun_});
  asked.begin();
  values.reset();
  gate_.pass_one();
  EXPECT_EQ(asked.get()->value, 101);
}

// ---- Over tiers.

TEST_F(swr_awaitable, is_resumed_where_a_tier_answers) {
  const auto store = std::make_shared<testing::steered_store>(time_);
  auto made = settings();
  made.below = tiers::make({.tiers = {{.below = store}}, .time = &time_, .timer = &timer_});
  numbers values(made);
  values.set(1, {.value = 5}, {}, nullptr);
  made.below = tiers::make({.tiers = {{.below = store}}, .time = &time_, .timer = &timer_});
  numbers later(made);
  store->park(true);
  auto looking = look(awaitable<numbers>(later), 1);
  auto asking = ask(awaitable<numbers>(later), 1, gated_load{gate_, begun_});
  auto nowhere = look(awaitable<numbers>(later), 2);
  for (auto* const each : {&looking, &nowhere}) each->begin();
  asking.begin();
  {
    auto gone = look(awaitable<numbers>(later), 1);
    gone.begin();
  }
  EXPECT_FALSE(looking.done() || asking.done() || nowhere.done());
  while (store->parked() > 0) store->let_go(0);
  ASSERT_TRUE(looking.done() && asking.done() && nowhere.done());
  EXPECT_EQ((*looking.get())->value, 5);
  EXPECT_EQ(asking.get()->value, 5);
  EXPECT_FALSE(*nowhere.get());
  EXPECT_EQ(begun_, 0);
}

small_task<int> use_from_a_thread(awaitable<numbers> values, int me, std::atomic<int>& ended) {
  int wrong = 0;
  for (int step = 0; step < 200; ++step) {
    const int key = (me + step) % 3;
    if (step % 7 == 0) {
      const result<void> removed = co_await values.remove(key);
      wrong += removed ? 0 : 1;
    }
    const auto load = [](int of) { return of; };
    const outcome got = co_await values.get_or_load(key, load);
    wrong += got && got->value == key ? 0 : 1;
  }
  ended.fetch_add(1);
  co_return wrong;
}

// The tier answers on a thread of its own while the coroutines suspend.
TEST(swr_awaitable_threads, everybody_is_resumed_once_wherever_the_tier_answers) {
  const auto store = std::make_shared<testing::threaded_store>();
  const auto below = tiers::make({.tiers = {{.below = store, .read_timeout_ms = 30'000}}});
  std::atomic<int> ended = 0;
  std::vector<small_task<int>> using_it;
  numbers values({.name = "numbers", .keep = {.fresh_ms = 60'000}, .below = below});
  for (int me = 0; me < 3; ++me)
    using_it.push_back(use_from_a_thread(awaitable<numbers>(values), me, ended));
  std::vector<std::jthread> threads;
  for (auto& each : using_it) threads.emplace_back([&each] { each.begin(); });
  threads.clear();
  ASSERT_TRUE(until([&] { return ended == 3; }));
  // The last steps ran on the store's thread, which has left them when it answers this.
  std::latch left(1);
  store->get("", steady_time::max(), [&left](const auto&) { left.count_down(); });
  left.wait();
  for (const auto& each : using_it) {
    ASSERT_TRUE(each.done());
    EXPECT_EQ(each.get(), 0) << "wrong answers";
  }
  values.validate();
}

// ---- A thousand callers of one key that nobody has.

class swr_awaitable_stampede : public swr_awaitable {
 protected:
  static constexpr int callers_count = 1'000;

  template <class Load>
  void begin(Load load, const call_options& how = {}) {
    asked_.reserve(callers_count);
    for (int each = 0; each < callers_count; ++each) {
      asked_.push_back(ask(callers_, 1, load, how));
      asked_.back().begin();
      EXPECT_FALSE(asked_.back().done());
    }
    EXPECT_EQ(begun_, 1) << "one load for all";
  }
  /// A load that waits at the gate and then does that.
  template <class End>
  auto ending(End end) {
    return [this, end](int) -> small_task<result<int>> { return wait(gate_, begun_, end); };
  }
  template <class End>
  static small_task<result<int>> wait(small_gate& gate, int& begun, End end) {
    ++begun;
    co_await gate;
    co_return end();
  }
  std::int64_t count(error_code code) const {
    return std::ranges::count_if(asked_, [code](const task_of_answer& each) {
      return each.done() && !each.get() && each.get().error().code == code;
    });
  }
  void expect_that_the_key_is_usable() {
    EXPECT_EQ(values_.stats().loads, 1U);
    values_.remove(1, nullptr);
    auto later = ask(callers_, 1, [](int) { return 8; });
    later.begin();
    EXPECT_EQ(later.get()->value, 8);
    values_.validate();
  }

  std::vector<task_of_answer> asked_;
};

TEST_F(swr_awaitable_stampede, a_thousand_coroutines_share_the_answer_of_one_load) {
  begin(ending([] { return 7; }));
  gate_.pass_one();
  EXPECT_EQ(std::ranges::count_if(
                asked_, [](const auto& each) { return each.done() && each.get()->value == 7; }),
            callers_count);
  expect_that_the_key_is_usable();
}

TEST_F(swr_awaitable_stampede, a_thousand_coroutines_share_the_failure_of_one_load) {
  begin(ending([]() -> result<int> { return fail(error_code::unavailable, "no database"); }));
  gate_.pass_one();
  EXPECT_EQ(count(error_code::unavailable), callers_count);
  expect_that_the_key_is_usable();
}

TEST_F(swr_awaitable_stampede, a_thousand_coroutines_share_the_exception_of_one_load) {
  begin(ending([]() -> int { throw std::runtime_error("no database"); }));
  gate_.pass_one();
  EXPECT_EQ(count(error_code::internal), callers_count);
  expect_that_the_key_is_usable();
}

TEST_F(swr_awaitable_stampede, a_thousand_coroutines_leave_a_load_that_hangs_at_their_timeout) {
  begin(ending([] { return 7; }), {.hard_timeout_ms = 10'000});
  advance(10'000);
  EXPECT_EQ(count(error_code::deadline_exceeded), callers_count);
  advance(50'000);
  expect_that_the_key_is_usable();
  gate_.pass_one();
  EXPECT_EQ(values_.peek(1)->value, 8) << "what comes too late is not kept";
}

TEST_F(swr_awaitable_stampede, a_thousand_coroutines_hear_that_their_load_was_cancelled) {
  std::coroutine_handle<> frame;
  struct keeping {
    std::coroutine_handle<>& place;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept { place = coroutine; }
    static int await_resume() noexcept { return 0; }
  };
  begin([this, &frame](int) {
    ++begun_;
    return keeping{frame};
  });
  frame.destroy();  // as an event loop does that ends
  EXPECT_EQ(count(error_code::cancelled), callers_count);
  expect_that_the_key_is_usable();
}

}  // namespace
}  // namespace lodestar::swr
