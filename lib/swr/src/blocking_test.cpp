// Goal: callers who block get what cache.hpp promises, on the thread and in the time that
// blocking.hpp says, whatever their load does. Real threads, no sleeps.
#include <lodestar/swr/blocking.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lodestar/swr/testing/steered_store.hpp>
#include <lodestar/swr/testing/threaded_store.hpp>

#include "until.hpp"

namespace lodestar::swr {
namespace {

using std::chrono::milliseconds;
using testing::until;
using numbers = cache<int, int>;
using outcome = result<answer<int>>;

error_code code_of(const outcome& what) {
  return what ? error_code::internal : what.error().code;
}

class full_executor final : public executor {
 public:
  [[nodiscard]] bool post(task&&) override { return false; }
};

class swr_blocking : public ::testing::Test {
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
  /// A load that says which thread it ran on.
  auto load_on(std::thread::id& thread) {
    return [this, &thread](int key) {
      thread = std::this_thread::get_id();
      return key * 100 + ++loads_;
    };
  }
  /// A load that waits until the test lets it go.
  auto gated() {
    return [this](int key) {
      const int mine = ++loads_;
      begun_.count_down();
      let_go_.wait();
      return key * 100 + mine;
    };
  }

  manual_clock time_;
  manual_scheduler timer_{time_};
  std::atomic<int> loads_ = 0;
  std::latch begun_{1}, let_go_{1};
  manual_executor background_;
  numbers values_{settings()};
  blocking<numbers> callers_{values_, background_};
  const std::thread::id self_ = std::this_thread::get_id();
};

TEST_F(swr_blocking, loads_on_the_calling_thread_and_keeps_what_it_brings) {
  std::thread::id thread;
  const auto first = callers_.get_or_load(1, load_on(thread));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->value, 101);
  EXPECT_FALSE(first->hit);
  EXPECT_EQ(thread, self_);
  const auto second = callers_.get_or_load(1, load_on(thread));
  EXPECT_EQ(second->value, 101);
  EXPECT_TRUE(second->hit);
  EXPECT_EQ(background_.pending(), 0U);
  EXPECT_EQ(values_.stats().hits, 1U);
  EXPECT_EQ(values_.stats().misses, 1U);
}

TEST_F(swr_blocking, takes_values_loaded_values_and_results_of_either) {
  EXPECT_EQ(callers_.get_or_load(1, [](int key) { return loaded<int>{.value = key}; })->value, 1);
  EXPECT_EQ(callers_.get_or_load(2, [](int key) { return result<int>(key); })->value, 2);
  const auto tagged = [](int key) -> result<loaded<int>> {
    return loaded<int>{.value = key, .tags = {"odd"}};
  };
  EXPECT_EQ(callers_.get_or_load(3, tagged)->value, 3);
  EXPECT_TRUE(callers_.remove_by_tag("odd"));
  EXPECT_FALSE(*callers_.get(3));
  const auto refused = callers_.get_or_load(
      4, [](int) -> result<int> { return fail(error_code::not_found, "there is no 4"); });
  EXPECT_EQ(code_of(refused), error_code::not_found);
  EXPECT_EQ(callers_.get_or_load(4, [](int key) { return key; })->value, 4);
}

TEST_F(swr_blocking, what_a_load_throws_is_an_error) {
  const auto thrown =
      callers_.get_or_load(1, [](int) -> int { throw std::runtime_error("no database"); });
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, error_code::internal);
  EXPECT_EQ(thrown.error().message, "the loader threw: no database");
  EXPECT_FALSE(callers_.get_or_load(1, [](int) -> int { throw 7; }));
  EXPECT_EQ(callers_.get_or_load(1, [](int key) { return key; })->value, 1);
}

TEST_F(swr_blocking, a_key_that_is_nowhere_is_no_error) {
  const auto nothing = callers_.get(1);
  ASSERT_TRUE(nothing.has_value());
  EXPECT_FALSE(nothing->has_value());
  EXPECT_EQ(code_of(callers_.get_or_load(1, [](int key) { return key; }, {},
                                         {.position_min = 2, .position_max = 1})),
            error_code::invalid_argument);
}

TEST_F(swr_blocking, sets_and_removes) {
  EXPECT_TRUE(callers_.set(1, 5));
  EXPECT_TRUE(callers_.set(2, loaded<int>{.value = 6, .tags = {"even"}}));
  EXPECT_EQ((*callers_.get(1))->value, 5);
  EXPECT_TRUE(callers_.remove(1));
  EXPECT_FALSE(*callers_.get(1));
  EXPECT_EQ((*callers_.get(2))->value, 6);
  EXPECT_TRUE(callers_.clear());
  EXPECT_FALSE(*callers_.get(2));
}

TEST_F(swr_blocking, a_stale_entry_is_served_and_revalidated_on_the_executor) {
  std::thread::id thread;
  static_cast<void>(callers_.get_or_load(1, load_on(thread)));
  advance(1'500);
  const auto stale = callers_.get_or_load(1, load_on(thread));
  EXPECT_EQ(stale->value, 101);
  EXPECT_EQ(stale->state, freshness::stale);
  EXPECT_EQ(loads_.load(), 1) << "nobody has run it yet";
  EXPECT_EQ(callers_.get_or_load(1, load_on(thread))->value, 101);
  ASSERT_EQ(background_.pending(), 1U) << "once for all";
  std::thread([this] { background_.run_all(); }).join();
  EXPECT_NE(thread, self_);
  EXPECT_EQ(callers_.get_or_load(1, load_on(thread))->value, 102);
}

TEST_F(swr_blocking, an_eager_refresh_runs_on_the_executor) {
  std::thread::id thread;
  const call_options eager{.eager_refresh = 0.5};
  static_cast<void>(callers_.get_or_load(1, load_on(thread), eager));
  EXPECT_EQ(background_.pending(), 0U);
  advance(600);
  EXPECT_EQ(callers_.get_or_load(1, load_on(thread), eager)->state, freshness::fresh);
  EXPECT_EQ(background_.run_all(), 1U);
  EXPECT_EQ(callers_.get_or_load(1, load_on(thread), eager)->value, 102);
}

TEST_F(swr_blocking, a_revalidation_that_is_refused_leaves_the_entry_and_the_key_usable) {
  full_executor full;
  blocking<numbers> callers(values_, full);
  ASSERT_TRUE(callers.set(1, 5));
  advance(1'500);
  std::thread::id thread;
  EXPECT_EQ(callers.get_or_load(1, load_on(thread))->value, 5);
  EXPECT_EQ(loads_.load(), 0);
  EXPECT_EQ(values_.stats().load_errors, 1U);
  EXPECT_EQ(callers.get_or_load(1, load_on(thread))->value, 5) << "stale as before";
  advance(5'000);
  values_.remove(1, nullptr);
  EXPECT_EQ(callers.get_or_load(1, load_on(thread))->value, 101) << "on the calling thread";
}

TEST_F(swr_blocking, a_load_with_a_timeout_that_the_executor_refuses_is_unavailable) {
  full_executor full;
  blocking<numbers> callers(values_, full);
  std::thread::id thread;
  EXPECT_EQ(code_of(callers.get_or_load(1, load_on(thread), {.hard_timeout_ms = 1'000})),
            error_code::unavailable);
  EXPECT_EQ(loads_.load(), 0);
  EXPECT_EQ(callers.get_or_load(1, load_on(thread))->value, 101);
}

TEST_F(swr_blocking, a_load_that_the_executor_drops_is_unavailable) {
  auto stopped = std::make_unique<manual_executor>();
  blocking<numbers> callers(values_, *stopped);
  std::thread::id thread;
  outcome got;
  std::jthread caller(
      [&] { got = callers.get_or_load(1, load_on(thread), {.hard_timeout_ms = 1'000}); });
  ASSERT_TRUE(until([&] { return stopped->pending() == 1; }));
  stopped.reset();
  caller.join();
  EXPECT_EQ(code_of(got), error_code::unavailable);
  EXPECT_EQ(callers_.get_or_load(1, load_on(thread))->value, 101);
}

TEST_F(swr_blocking, who_has_a_hard_timeout_leaves_and_the_load_goes_on) {
  std::thread::id thread;
  outcome got;
  std::jthread caller(
      [&] { got = callers_.get_or_load(1, load_on(thread), {.hard_timeout_ms = 100}); });
  ASSERT_TRUE(until([&] { return background_.pending() == 1; }));
  advance(100);
  caller.join();
  EXPECT_EQ(code_of(got), error_code::deadline_exceeded);
  background_.run_all();
  EXPECT_EQ((*callers_.get(1))->value, 101) << "kept for the next";
}

TEST_F(swr_blocking, who_has_a_soft_timeout_gets_what_fail_safe_has) {
  ASSERT_TRUE(callers_.set(1, 5));
  advance(10'000);
  std::thread::id thread;
  outcome got;
  std::jthread caller(
      [&] { got = callers_.get_or_load(1, load_on(thread), {.soft_timeout_ms = 100}); });
  ASSERT_TRUE(until([&] { return background_.pending() == 1; }));
  advance(100);
  caller.join();
  ASSERT_TRUE(got);
  EXPECT_EQ(got->value, 5);
  EXPECT_EQ(got->state, freshness::expired);
  EXPECT_EQ(got->failure->code, error_code::deadline_exceeded);
  background_.run_all();
  EXPECT_EQ((*callers_.get(1))->value, 101);
}

TEST_F(swr_blocking, fail_safe_answers_for_a_load_that_fails) {
  ASSERT_TRUE(callers_.set(1, 5));
  advance(10'000);
  const auto got = callers_.get_or_load(
      1, [](int) -> result<int> { return fail(error_code::unavailable, "no database"); });
  ASSERT_TRUE(got);
  EXPECT_EQ(got->value, 5);
  EXPECT_EQ(got->failure->message, "no database");
}

TEST_F(swr_blocking, calls_without_options_go_by_the_defaults) {
  auto with_defaults = settings();
  with_defaults.defaults.hard_timeout_ms = 1'000;
  numbers values(with_defaults);
  thread_pool pool("loads", 1, 10);
  blocking<numbers> callers(values, pool);
  std::thread::id thread;
  EXPECT_EQ(callers.get_or_load(1, load_on(thread))->value, 101);
  EXPECT_NE(thread, self_) << "with a timeout, on the executor";
}

// The timer runs no task here.
TEST_F(swr_blocking, a_cache_whose_timer_stands_still_holds_nobody) {
  std::thread::id thread;
  EXPECT_EQ(code_of(callers_.get_or_load(1, load_on(thread), {.hard_timeout_ms = 1})),
            error_code::deadline_exceeded);
  background_.run_all();
  EXPECT_EQ((*callers_.get(1))->value, 101) << "he has left, the load went on";
}

TEST_F(swr_blocking, a_leader_that_hangs_holds_the_others_until_load_ms_max) {
  outcome leading, joined;
  std::jthread leader([&] { leading = callers_.get_or_load(1, gated()); });
  begun_.wait();
  std::jthread other([&] { joined = callers_.get_or_load(1, gated()); });
  ASSERT_TRUE(until([&] { return values_.stats().coalesced == 1; }));
  advance(60'000);
  other.join();
  EXPECT_EQ(code_of(joined), error_code::deadline_exceeded);
  std::thread::id thread;
  EXPECT_EQ(callers_.get_or_load(1, load_on(thread))->value, 102) << "the key is usable";
  let_go_.count_down();
  leader.join();
  EXPECT_EQ(code_of(leading), error_code::deadline_exceeded);
  EXPECT_EQ((*callers_.get(1))->value, 102) << "what comes too late is not kept";
  values_.validate();
}

TEST_F(swr_blocking, who_leads_the_next_flight_loads_on_his_own_thread) {
  outcome leading, bypassing;
  std::jthread leader([&] { leading = callers_.get_or_load(1, gated()); });
  begun_.wait();
  std::thread::id thread;
  std::jthread other(
      [&] { bypassing = callers_.get_or_load(1, load_on(thread), {}, {.bypass = true}); });
  const auto id = other.get_id();
  ASSERT_TRUE(until([&] { return values_.stats().coalesced == 1; }));
  let_go_.count_down();
  leader.join();
  other.join();
  EXPECT_EQ(leading->value, 101);
  EXPECT_EQ(bypassing->value, 102);
  EXPECT_EQ(thread, id);
}

// ---- A load that asks for its own key.

TEST_F(swr_blocking, a_load_that_asks_for_its_own_key_is_refused) {
  outcome inner;
  const auto asking = [&](int key) {
    inner = callers_.get_or_load(key, [](int) { return 0; });
    return 5;
  };
  EXPECT_EQ(callers_.get_or_load(1, asking)->value, 5);
  EXPECT_EQ(code_of(inner), error_code::invalid_argument);
}

TEST_F(swr_blocking, so_is_one_that_does_so_through_another_key) {
  outcome inner;
  const auto one = [&](int) {
    const auto two = [&](int) {
      inner = callers_.get_or_load(1, [](int) { return 0; });
      return 20;
    };
    return callers_.get_or_load(2, two)->value + 1;
  };
  EXPECT_EQ(callers_.get_or_load(1, one)->value, 21);
  EXPECT_EQ(code_of(inner), error_code::invalid_argument);
  EXPECT_EQ((*callers_.get(2))->value, 20);
}

TEST_F(swr_blocking, a_revalidation_that_asks_for_its_own_key_gets_the_stale_entry) {
  ASSERT_TRUE(callers_.set(1, 5));
  advance(1'500);
  const auto more = [&](int key) {
    return callers_.get_or_load(key, [](int) { return 0; })->value + 1;
  };
  EXPECT_EQ(callers_.get_or_load(1, more)->value, 5);
  background_.run_all();
  EXPECT_EQ((*callers_.get(1))->value, 6);
}

TEST_F(swr_blocking, the_same_key_of_another_cache_is_another_key) {
  numbers others(settings());
  blocking<numbers> elsewhere(others, background_);
  const auto load = [&](int key) {
    return elsewhere.get_or_load(key, [](int) { return 7; })->value;
  };
  EXPECT_EQ(callers_.get_or_load(1, load)->value, 7);
}

// ---- Over tiers.

class swr_blocking_over_tiers : public swr_blocking {
 protected:
  numbers::options_type settings_over(std::shared_ptr<tiers> below) {
    auto made = settings();
    made.below = std::move(below);
    made.time = &system_clock();
    made.timer = &system_timer();
    return made;
  }
  std::shared_ptr<testing::threaded_store> store_ = std::make_shared<testing::threaded_store>();
  std::shared_ptr<tiers> make_tiers() {
    return tiers::make({.tiers = {{.below = store_, .read_timeout_ms = 10'000}}});
  }
};

TEST_F(swr_blocking_over_tiers, loads_on_the_calling_thread_though_the_tier_answers_elsewhere) {
  numbers values(settings_over(make_tiers()));
  blocking<numbers> callers(values, background_);
  std::thread::id thread;
  EXPECT_EQ(callers.get_or_load(1, load_on(thread))->value, 101);
  EXPECT_EQ(thread, self_);
}

TEST_F(swr_blocking_over_tiers, finds_what_another_process_has_written) {
  const auto below = make_tiers();
  numbers values(settings_over(below));
  blocking<numbers> callers(values, background_);
  ASSERT_TRUE(callers.set(1, 5));
  ASSERT_TRUE(callers.set(2, 6));
  EXPECT_TRUE(below->is_settled()) << "the tier has answered";
  numbers later(settings_over(make_tiers()));
  blocking<numbers> others(later, background_);
  const auto found = others.get(1);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->value, 5);
  EXPECT_EQ((*found)->tier, 0U);
  std::thread::id thread;
  EXPECT_EQ(others.get_or_load(2, load_on(thread))->value, 6);
  EXPECT_FALSE(*others.get(3));
  EXPECT_EQ(loads_.load(), 0);
  ASSERT_TRUE(others.remove(1));
  numbers last(settings_over(make_tiers()));
  EXPECT_FALSE(*blocking<numbers>(last, background_).get(1));
}

TEST_F(swr_blocking_over_tiers, a_change_that_a_tier_does_not_take_says_so) {
  const auto down = std::make_shared<testing::steered_store>(time_);
  down->set_down(true);
  const auto below = tiers::make({.tiers = {{.below = down}}, .time = &time_, .timer = &timer_});
  auto made = settings();
  made.below = below;
  numbers values(made);
  blocking<numbers> callers(values, background_);
  const auto told = callers.set(1, 5);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, error_code::unavailable);
  EXPECT_EQ((*callers.get(1))->value, 5) << "memory has it";
  EXPECT_FALSE(callers.remove(1));
  EXPECT_FALSE(*callers.get(1));
}

// The last answer of a store comes while everything is being destroyed: on the store's thread,
// which must not be the one that waits for it.
TEST_F(swr_blocking_over_tiers, a_store_may_answer_when_nobody_holds_it_any_more) {
  std::vector<std::weak_ptr<store>> stores;
  for (int round = 0; round < 300; ++round) {
    auto last = std::make_shared<testing::threaded_store>();
    stores.push_back(last);
    auto below = tiers::make({.tiers = {{.below = std::move(last), .read_timeout_ms = 10'000}}});
    numbers values(settings_over(std::move(below)));
    blocking<numbers> callers(values, background_);
    EXPECT_FALSE(*callers.get(1));
    if (round % 2 == 0) values.set(1, {.value = round}, {}, nullptr);
  }
  EXPECT_TRUE(until([&] {
    return std::ranges::all_of(stores, [](const auto& each) { return each.expired(); });
  }));
}

TEST_F(swr_blocking_over_tiers, threads_that_ask_and_change_all_get_their_answers) {
  constexpr int threads = 4;
  numbers values(settings_over(make_tiers()));
  thread_pool pool("loads", 2, 1'000);
  blocking<numbers> callers(values, pool);
  std::atomic<int> answered = 0;
  std::vector<std::jthread> all;
  for (int me = 0; me < threads; ++me) {
    all.emplace_back([&, me] {
      for (int step = 0; step < 300; ++step) {
        const int key = (me + step) % 3;
        if (step % 7 == 0) static_cast<void>(callers.remove(key));
        if (step % 11 == 0) static_cast<void>(callers.set(key, key));
        const call_options how{.hard_timeout_ms = step % 2 == 0 ? 30'000 : duration_ms_unlimited};
        const auto got = callers.get_or_load(key, [](int of) { return of; }, how);
        ASSERT_TRUE(got) << got.error().describe();
        EXPECT_EQ(got->value, key);
        ++answered;
      }
    });
  }
  all.clear();
  EXPECT_EQ(answered.load(), threads * 300);
  values.validate();
}

// ---- A thousand callers of one key that nobody has.

class swr_blocking_stampede : public swr_blocking {
 protected:
  static constexpr int callers_count = 1'000;

  /// Starts the callers; their load may begin when all of them wait for it.
  template <class Load>
  void begin(Load load, const call_options& how = {}) {
    got_.resize(callers_count, fail(error_code::internal, "not answered"));
    for (auto& place : got_) {
      threads_.emplace_back([this, load, how, &place] {
        place = callers_.get_or_load(1, [this, load](int key) { return once(load, key); }, how);
      });
    }
  }
  template <class Load>
  auto once(Load load, int key) {
    ++loads_;
    EXPECT_TRUE(until([this] { return all_wait(); }));
    return load(key);
  }
  bool all_wait() const { return values_.stats().coalesced == callers_count - 1; }
  void join() { threads_.clear(); }
  /// Of how many the condition is true.
  template <class Condition>
  std::int64_t count(Condition&& condition) const {
    return std::ranges::count_if(got_, condition);
  }
  std::int64_t count(error_code code) const {
    return count([code](const outcome& each) { return !each && each.error().code == code; });
  }
  void expect_that_the_key_is_usable() {
    EXPECT_EQ(loads_.load(), 1) << "one load for all";
    values_.remove(1, nullptr);
    EXPECT_EQ(callers_.get_or_load(1, [](int) { return 8; })->value, 8);
    values_.validate();
  }

  std::vector<outcome> got_;
  std::vector<std::jthread> threads_;
};

TEST_F(swr_blocking_stampede, a_thousand_callers_share_the_answer_of_one_load) {
  begin([](int) { return 7; });
  join();
  EXPECT_EQ(count([](const outcome& each) { return each && each->value == 7; }), callers_count);
  EXPECT_EQ(count([](const outcome& each) { return !each->coalesced; }), 1) << "the leader";
  expect_that_the_key_is_usable();
}

TEST_F(swr_blocking_stampede, a_thousand_callers_share_the_failure_of_one_load) {
  begin([](int) -> result<int> { return fail(error_code::unavailable, "no database"); });
  join();
  EXPECT_EQ(count(error_code::unavailable), callers_count);
  expect_that_the_key_is_usable();
}

TEST_F(swr_blocking_stampede, a_thousand_callers_share_the_exception_of_one_load) {
  begin([](int) -> int { throw std::runtime_error("no database"); });
  join();
  EXPECT_EQ(count(error_code::internal), callers_count);
  expect_that_the_key_is_usable();
}

TEST_F(swr_blocking_stampede, a_thousand_callers_leave_a_load_that_hangs_at_their_timeout) {
  std::jthread origin;
  begin(
      [this](int) {
        let_go_.wait();
        return 7;
      },
      {.hard_timeout_ms = 10'000});
  ASSERT_TRUE(until([this] { return background_.pending() == 1; }));
  origin = std::jthread([this] { background_.run_one(); });
  ASSERT_TRUE(until([this] { return all_wait() && loads_ == 1; }));
  advance(10'000);
  join();
  EXPECT_EQ(count(error_code::deadline_exceeded), callers_count);
  advance(50'000);
  expect_that_the_key_is_usable();
  let_go_.count_down();
  origin.join();
  EXPECT_EQ((*callers_.get(1))->value, 8);
}

TEST_F(swr_blocking_stampede, a_thousand_callers_hear_that_their_load_was_cancelled) {
  auto stopped = std::make_unique<manual_executor>();
  blocking<numbers> callers(values_, *stopped);
  got_.resize(callers_count, fail(error_code::internal, "not answered"));
  for (auto& place : got_) {
    threads_.emplace_back([&callers, &place] {
      place = callers.get_or_load(1, [](int) { return 7; }, {.hard_timeout_ms = 10'000});
    });
  }
  ASSERT_TRUE(until([&] { return all_wait() && stopped->pending() == 1; }));
  stopped.reset();
  join();
  EXPECT_EQ(count(error_code::unavailable), callers_count);
  ++loads_;  // it was begun, and never called
  expect_that_the_key_is_usable();
}

}  // namespace
}  // namespace lodestar::swr
