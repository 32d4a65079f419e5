// Loading: one load for each key, whatever goes wrong with it.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <latch>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {
namespace {

using numbers = cache<int, int>;
using texts = cache<std::string, std::string>;
using completing = completion<numbers>;

TEST(cache_loading, loads_what_is_absent_and_stores_it) {
  texts pages({.entries_max = 10, .statistics = true});
  int loads = 0;
  const auto load = [&loads](const std::string& path) { return path + std::to_string(++loads); };
  EXPECT_EQ(pages.get_or_load("a", load), "a1");
  EXPECT_EQ(pages.get_or_load("a", load), "a1");
  EXPECT_EQ(pages.get("a"), "a1");
  EXPECT_EQ(loads, 1);
  EXPECT_EQ(pages.stats().loads, 1U);
  pages.validate();
}

TEST(cache_loading, does_not_keep_errors_and_exceptions) {
  numbers values({.entries_max = 10});
  int calls = 0;
  const auto failing = [&calls](int) -> result<int> {
    ++calls;
    return fail(error_code::not_found, "there is no such number");
  };
  EXPECT_EQ(values.get_or_load(1, failing).error().code, error_code::not_found);
  EXPECT_EQ(values.get_or_load(1, failing).error().code, error_code::not_found);
  EXPECT_EQ(calls, 2);
  const auto throwing = [](int) -> int { throw std::runtime_error("no"); };
  EXPECT_THROW(static_cast<void>(values.get_or_load(1, throwing)), std::runtime_error);
  EXPECT_EQ(values.get_or_load(1, [](int) { return 7; }), 7);
  values.validate();
}

TEST(cache_loading, keeps_errors_for_a_while_when_asked) {
  manual_clock time;
  numbers values(
      {.entries_max = 10, .failure_time_to_live = std::chrono::seconds(1), .time = &time});
  int calls = 0;
  const auto failing = [&calls](int) -> result<int> {
    ++calls;
    return fail(error_code::not_found, "there is no such number");
  };
  EXPECT_FALSE(values.get_or_load(1, failing).has_value());
  EXPECT_FALSE(values.get_or_load(1, failing).has_value());
  EXPECT_EQ(calls, 1);
  time.advance(std::chrono::seconds(2));
  EXPECT_FALSE(values.get_or_load(1, failing).has_value());
  EXPECT_EQ(calls, 2);
  values.insert(1, 5);
  EXPECT_EQ(values.get_or_load(1, failing), 5);
  values.remove(1);
  EXPECT_FALSE(values.get_or_load(1, failing).has_value());
  EXPECT_EQ(calls, 3) << "a write ends what was kept";
}

TEST(cache_loading, answers_a_thousand_callers_with_one_load) {
  constexpr int callers = 1'000;
  numbers values({.entries_max = 10});
  std::atomic<int> loads = 0;
  std::latch together(callers);
  std::vector<std::thread> threads;
  for (int each = 0; each < callers; ++each) {
    threads.emplace_back([&] {
      together.arrive_and_wait();
      const auto brought = values.get_or_load(1, [&loads](int) { return ++loads; });
      EXPECT_EQ(brought, 1);
    });
  }
  for (auto& each : threads) each.join();
  EXPECT_EQ(loads.load(), 1);
  values.validate();
}

TEST(cache_loading, refuses_a_loader_that_asks_for_its_own_key) {
  numbers values({.entries_max = 10});
  const auto circular = [&values](int key) {
    return values.get_or_load(key, [](int) { return 1; });
  };
  const auto answer = values.get_or_load(1, circular);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, error_code::conflict);
  const auto other = [&values](int key) {
    return values.get_or_load(key + 1, [](int) { return 9; });
  };
  EXPECT_EQ(values.get_or_load(1, other), 9);
  EXPECT_EQ(values.get(2), 9);
  values.validate();
}

TEST(cache_loading, refuses_the_loader_that_would_close_a_circle) {
  constexpr int threads = 4;
  numbers values({.entries_max = 10}), others({.entries_max = 10});
  std::barrier all_load(threads);
  std::atomic<int> refused{0}, answered{0};
  {
    std::vector<std::jthread> team;
    for (int me = 0; me < threads; ++me) {
      team.emplace_back([&, me] {
        numbers& mine = me % 2 == 0 ? values : others;
        numbers& next = me % 2 == 0 ? others : values;
        const auto answer = mine.get_or_load(me, [&](int) -> result<int> {
          all_load.arrive_and_wait();
          auto inner = next.get_or_load((me + 1) % threads, [](int) { return 7; });
          if (!inner && inner.error().code == error_code::conflict) {
            ++refused;
            return me;
          }
          return inner;
        });
        if (answer) ++answered;
      });
    }
  }
  EXPECT_EQ(refused.load(), 1);
  EXPECT_EQ(answered.load(), threads);
  values.validate();
  others.validate();
}

TEST(cache_loading, lets_loaders_wait_for_each_other_in_one_order) {
  numbers values({.entries_max = 10});
  std::latch first_loads(1), second_waits(1);
  std::jthread first([&] {
    static_cast<void>(values.get_or_load(1, [&](int) {
      first_loads.count_down();
      second_waits.wait();
      return 1;
    }));
  });
  first_loads.wait();
  const auto answer = values.get_or_load(2, [&](int) {
    second_waits.count_down();
    return values.get_or_load(1, [](int) { return 9; });
  });
  EXPECT_EQ(answer, 1);
}

TEST(cache_loading, begins_a_new_load_after_an_invalidation) {
  numbers values({.entries_max = 10});
  const auto answer = values.get_or_load(1, [&values](int) {
    values.remove(1);
    EXPECT_EQ(values.get_or_load(1, [](int) { return 2; }), 2);
    return 1;
  });
  EXPECT_EQ(answer, 1);
  EXPECT_EQ(values.get(1), 2);
}

TEST(cache_loading, refreshes_behind_the_back_of_who_asks) {
  manual_clock time;
  manual_executor background;
  numbers values({.entries_max = 10,
                  .refresh_after = std::chrono::seconds(1),
                  .background = &background,
                  .time = &time});
  int loads = 0;
  const auto load = [&loads](int) { return ++loads; };
  EXPECT_EQ(values.get_or_load(1, load), 1);
  time.advance(std::chrono::seconds(2));
  EXPECT_EQ(values.get_or_load(1, load), 1);
  EXPECT_EQ(values.get_or_load(1, load), 1);
  EXPECT_EQ(background.run_all(), 1U) << "one at a time";
  EXPECT_EQ(values.get_or_load(1, load), 2);
  time.advance(std::chrono::seconds(2));
  EXPECT_EQ(values.get_or_load(1, load), 2);
  values.insert(1, 50);
  EXPECT_EQ(background.run_all(), 1U);
  EXPECT_EQ(values.get(1), 50) << "a write ends a refresh";
  time.advance(std::chrono::seconds(2));
  EXPECT_EQ(values.get_or_load(1, load), 50);
  values.remove(1);
  EXPECT_EQ(background.run_all(), 1U);
  EXPECT_EQ(values.get(1), std::nullopt) << "a removal too";
  values.validate();
}

TEST(cache_loading, keeps_the_old_value_when_a_refresh_fails) {
  manual_clock time;
  manual_executor background;
  numbers values({.entries_max = 10,
                  .refresh_after = std::chrono::seconds(1),
                  .background = &background,
                  .time = &time});
  values.insert(1, 5);
  time.advance(std::chrono::seconds(2));
  const auto failing = [](int) -> result<int> { return fail(error_code::unavailable, "down"); };
  EXPECT_EQ(values.get_or_load(1, failing), 5);
  EXPECT_EQ(background.run_all(), 1U);
  EXPECT_EQ(values.get_or_load(1, failing), 5);
  EXPECT_EQ(background.pending(), 1U) << "and tries again";
  background.run_all();
}

TEST(cache_loading, completes_without_blocking) {
  numbers values({.entries_max = 10});
  std::list<completing> started;
  const auto start = [&started](int, completing done) { started.push_back(std::move(done)); };
  std::vector<int> answers;
  const auto note = [&answers](const loaded<int>& brought) {
    answers.push_back(brought.get().value());
  };
  static_cast<void>(values.load_async(1, start, note));
  static_cast<void>(values.load_async(1, start, note));
  ASSERT_EQ(started.size(), 1U);
  EXPECT_TRUE(answers.empty());
  started.front()(5);
  EXPECT_EQ(answers, (std::vector<int>{5, 5}));
  static_cast<void>(values.load_async(1, start, note));
  EXPECT_EQ(answers.size(), 3U) << "at once";
  EXPECT_EQ(started.size(), 1U);
  values.validate();
}

TEST(cache_loading, hands_a_load_over_that_was_given_up) {
  numbers values({.entries_max = 10});
  std::list<completing> started;
  const auto start = [&started](int, completing done) { started.push_back(std::move(done)); };
  std::vector<std::string> answers;
  const auto note = [&answers](const std::string& who) {
    return [&answers, who](const loaded<int>& brought) {
      const auto got = brought.get();
      answers.push_back(who +
                        (got ? std::to_string(*got) : std::string(to_string(got.error().code))));
    };
  };
  static_cast<void>(values.load_async(1, start, note("a ")));
  static_cast<void>(values.load_async(1, start, note("b ")));
  started.erase(started.begin());
  EXPECT_EQ(answers, (std::vector<std::string>{"a cancelled"}));
  ASSERT_EQ(started.size(), 1U) << "b loads for itself";
  started.front()(6);
  EXPECT_EQ(answers, (std::vector<std::string>{"a cancelled", "b 6"}));
  EXPECT_EQ(values.get(1), 6);
}

TEST(cache_loading, lets_a_blocked_caller_take_over_a_load_that_was_given_up) {
  numbers values({.entries_max = 10});
  std::optional<completing> started;
  static_cast<void>(values.load_async(
      1, [&started](int, completing done) { started.emplace(std::move(done)); },
      [](const loaded<int>& brought) { EXPECT_FALSE(brought.get().has_value()); }));
  std::thread blocked([&values] { EXPECT_EQ(values.get_or_load(1, [](int) { return 3; }), 3); });
  started.reset();
  blocked.join();
  EXPECT_EQ(values.get(1), 3);
}

TEST(cache_loading, forgets_who_cancelled) {
  numbers values({.entries_max = 10});
  std::optional<completing> started;
  auto ticket = values.load_async(
      1, [&started](int, completing done) { started.emplace(std::move(done)); },
      [](const loaded<int>&) { FAIL() << "nobody wants to know"; });
  EXPECT_TRUE(ticket.cancel());
  EXPECT_FALSE(ticket.cancel());
  (*started)(4);
  EXPECT_EQ(values.get(1), 4) << "a load that has begun goes on";
}

TEST(cache_loading, tells_everybody_what_a_start_threw) {
  numbers values({.entries_max = 10});
  bool told = false;
  static_cast<void>(values.load_async(
      1, [](int, completing) { throw std::runtime_error("no"); },
      [&told](const loaded<int>& brought) {
        EXPECT_THROW(static_cast<void>(brought.get()), std::runtime_error);
        told = true;
      }));
  EXPECT_TRUE(told);
  EXPECT_EQ(values.get_or_load(1, [](int) { return 2; }), 2);
}

TEST(cache_loading, may_end_after_its_cache) {
  std::optional<completing> started;
  int answer = 0;
  {
    numbers values({.entries_max = 10});
    static_cast<void>(values.load_async(
        1, [&started](int, completing done) { started.emplace(std::move(done)); },
        [&answer](const loaded<int>& brought) { answer = brought.get().value(); }));
  }
  (*started)(4);
  EXPECT_EQ(answer, 4);
}

}  // namespace
}  // namespace lodestar::cache
