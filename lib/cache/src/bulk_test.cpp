// Goal: many keys at once are as each alone; one call loads those that are absent; each key is
// loaded once, however it is asked for; and whatever the load does, nobody waits for ever.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <map>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {
namespace {

using tested = cache<int, std::string>;
using pairs = std::vector<std::pair<int, std::string>>;

std::string text(int key) {
  return "a value that does not lie in place: " + std::to_string(key);
}

/// Loads every key, and notes what it was asked for.
struct loader {
  std::vector<std::vector<int>>* asked;
  pairs operator()(std::span<const int> keys) const {
    asked->emplace_back(keys.begin(), keys.end());
    pairs brought;
    for (const int key : keys | std::views::reverse) brought.emplace_back(key, text(key));
    return brought;
  }
};

TEST(cache_bulk, inserts_gets_and_removes_many) {
  tested values({.entries_max = 10});
  EXPECT_EQ(values.insert_all(pairs{{1, text(1)}, {2, text(2)}, {1, text(3)}}),
            (std::vector{outcome::inserted, outcome::inserted, outcome::replaced}));
  EXPECT_EQ(values.insert_all(std::map<int, std::string>{{4, text(4)}}),
            (std::vector{outcome::inserted}));
  const auto found = values.get_all(std::vector{2, 3, 1});
  EXPECT_EQ(found, (std::vector<std::optional<std::string>>{text(2), std::nullopt, text(3)}));
  EXPECT_EQ(values.remove_all(std::vector{1, 3, 4, 4}), 2U);
  EXPECT_EQ(values.size(), 1U);
  values.validate();
}

TEST(cache_bulk, leaves_what_it_was_lent_as_it_was) {
  tested values({.entries_max = 10});
  const pairs mine{{1, text(1)}};
  values.insert_all(mine);
  EXPECT_EQ(mine[0].second, text(1));
  auto lent = mine;
  values.insert_all(lent);
  values.insert_all(std::views::all(lent));
  EXPECT_EQ(lent, mine);
}

TEST(cache_bulk, loads_what_is_absent_by_one_call) {
  tested values({.entries_max = 10});
  values.insert(2, text(2));
  std::vector<std::vector<int>> asked;
  const auto answers = values.get_or_load_all(std::vector{1, 2, 3, 1}, loader{&asked});
  ASSERT_EQ(answers.size(), 4U);
  EXPECT_EQ(*answers[0], text(1));
  EXPECT_EQ(*answers[1], text(2));
  EXPECT_EQ(*answers[2], text(3));
  EXPECT_EQ(*answers[3], text(1));
  EXPECT_EQ(asked, (std::vector<std::vector<int>>{{1, 3}}));
  static_cast<void>(values.get_or_load_all(std::vector{1, 2, 3}, loader{&asked}));
  EXPECT_EQ(asked.size(), 1U);
  EXPECT_TRUE(values.get_or_load_all(std::vector<int>{}, loader{&asked}).empty());
  values.validate();
}

TEST(cache_bulk, says_which_keys_the_load_left_out_and_ignores_what_it_added) {
  tested values({.entries_max = 10});
  const auto answers = values.get_or_load_all(
      std::vector{1, 2}, [](std::span<const int>) { return pairs{{2, text(2)}, {7, text(7)}}; });
  EXPECT_EQ(answers[0].error().code, error_code::not_found);
  EXPECT_EQ(*answers[1], text(2));
  EXPECT_FALSE(values.contains(1));
  EXPECT_FALSE(values.contains(7));
}

TEST(cache_bulk, gives_an_error_to_every_key_and_keeps_it_when_asked) {
  manual_clock time;
  tested values(
      {.entries_max = 10, .failure_time_to_live = std::chrono::seconds(1), .time = &time});
  int calls = 0;
  const auto failing = [&](std::span<const int>) -> result<pairs> {
    ++calls;
    return fail(error_code::unavailable, "the source is asleep");
  };
  for (int times = 0; times < 2; ++times) {
    const auto answers = values.get_or_load_all(std::vector{1, 2}, failing);
    EXPECT_EQ(answers[0].error().code, error_code::unavailable);
    EXPECT_EQ(answers[1].error().code, error_code::unavailable);
  }
  EXPECT_EQ(calls, 1);
}

TEST(cache_bulk, throws_what_the_load_throws_and_can_load_again) {
  tested values({.entries_max = 10});
  const auto throwing = [](std::span<const int>) -> pairs { throw std::runtime_error("no"); };
  EXPECT_THROW(static_cast<void>(values.get_or_load_all(std::vector{1, 2}, throwing)),
               std::runtime_error);
  EXPECT_EQ(*values.get_or_load(1, [](int key) { return text(key); }), text(1));
  values.validate();
}

TEST(cache_bulk, does_not_let_a_load_ask_for_its_own_keys) {
  tested values({.entries_max = 10});
  const auto answers = values.get_or_load_all(std::vector{1, 2}, [&](std::span<const int> keys) {
    const auto inner = values.get_or_load(2, [](int) { return std::string("inner"); });
    EXPECT_EQ(inner.error().code, error_code::conflict);
    EXPECT_EQ(*values.get_or_load(3, [](int) { return text(3); }), text(3));
    std::vector<std::vector<int>> asked;
    return loader{&asked}(keys);
  });
  EXPECT_EQ(*answers[1], text(2));
}

TEST(cache_bulk, waits_for_what_others_load_and_asks_for_the_rest_only) {
  tested values({.entries_max = 10});
  std::latch loading(1), go_on(1);
  std::thread other([&] {
    static_cast<void>(values.get_or_load(1, [&](int) {
      loading.count_down();
      go_on.wait();
      return std::string("the other's");
    }));
  });
  loading.wait();
  std::vector<std::vector<int>> asked;
  const auto answers = values.get_or_load_all(std::vector{1, 2}, [&](std::span<const int> keys) {
    go_on.count_down();
    return loader{&asked}(keys);
  });
  other.join();
  EXPECT_EQ(*answers[0], "the other's");
  EXPECT_EQ(*answers[1], text(2));
  EXPECT_EQ(asked, (std::vector<std::vector<int>>{{2}}));
}

TEST(cache_bulk, is_joined_by_those_who_ask_for_one_key) {
  tested values({.entries_max = 10});
  std::latch loading(1), go_on(1);
  std::thread bulk([&] {
    static_cast<void>(values.get_or_load_all(std::vector{1, 2}, [&](std::span<const int> keys) {
      loading.count_down();
      go_on.wait();
      std::vector<std::vector<int>> asked;
      return loader{&asked}(keys);
    }));
  });
  loading.wait();
  std::promise<std::string> answer;
  values.load_async(
      2, [](int, auto) { ADD_FAILURE() << "it is being loaded"; },
      [&](const loaded<std::string>& came) { answer.set_value(*came.get()); });
  go_on.count_down();
  EXPECT_EQ(answer.get_future().get(), text(2));
  bulk.join();
}

TEST(cache_bulk, stores_nothing_that_was_written_or_invalidated_meanwhile) {
  tested values({.entries_max = 10});
  const auto answers = values.get_or_load_all(std::vector{1, 2, 3}, [&](std::span<const int> keys) {
    values.insert(1, "newer");
    values.remove(2);
    std::vector<std::vector<int>> asked;
    return loader{&asked}(keys);
  });
  EXPECT_EQ(*answers[0], text(1)) << "whoever waited gets what was loaded";
  EXPECT_EQ(*values.get(1), "newer");
  EXPECT_FALSE(values.contains(2));
  EXPECT_TRUE(values.contains(3));
}

TEST(cache_bulk, refreshes_in_the_background_what_is_old) {
  manual_clock time;
  manual_executor background;
  tested values({.entries_max = 10,
                 .refresh_after = std::chrono::seconds(1),
                 .background = &background,
                 .time = &time});
  std::vector<std::vector<int>> asked;
  values.insert(1, "old");
  time.advance(std::chrono::seconds(2));
  EXPECT_EQ(*values.get_or_load_all(std::vector{1}, loader{&asked})[0], "old");
  background.run_all();
  EXPECT_EQ(*values.get(1), text(1));
}

TEST(cache_bulk, one_load_for_each_key_whoever_asks_how) {
  constexpr int keys = 64, threads = 4, rounds = 200;
  for (int round = 0; round < rounds; ++round) {
    tested values({.entries_max = 1'000});
    std::array<std::atomic<int>, keys> loads{};
    std::vector<std::jthread> team;
    for (int me = 0; me < threads; ++me) {
      team.emplace_back([&, me] {
        std::vector<int> mine;
        for (int key = 0; key < keys; key += 1 + me % 3) mine.push_back(key);
        if (me % 2 != 0) std::ranges::reverse(mine);
        const auto answers = values.get_or_load_all(mine, [&](std::span<const int> wanted) {
          pairs brought;
          for (const int key : wanted) {
            ++loads[static_cast<std::size_t>(key)];
            brought.emplace_back(key, text(key));
          }
          return brought;
        });
        for (std::size_t index = 0; index < mine.size(); ++index)
          EXPECT_EQ(*answers[index], text(mine[index]));
      });
    }
    team.clear();
    for (int key = 0; key < keys; ++key)
      ASSERT_EQ(loads[static_cast<std::size_t>(key)].load(), 1) << key;
  }
}

// --- values that go by themselves

TEST(cache_collection, makes_an_entry_absent_when_its_object_is_gone) {
  std::vector<std::pair<int, removal_cause>> gone;
  cache<int, std::weak_ptr<int>> values(
      {.entries_max = 10, .listener = [&](int key, const auto& value, removal_cause why) {
         EXPECT_TRUE(value.expired());
         gone.emplace_back(key, why);
       }});
  auto first = std::make_shared<int>(1), second = std::make_shared<int>(2);
  values.insert(1, first);
  values.insert(2, second);
  EXPECT_EQ(*values.get(1)->lock(), 1);
  first = nullptr;
  EXPECT_FALSE(values.get(1));
  EXPECT_FALSE(values.contains(1));
  EXPECT_EQ(values.replace(1, second), outcome::absent);
  EXPECT_TRUE(values.contains(2));
  values.maintain();
  EXPECT_EQ(gone, (std::vector<std::pair<int, removal_cause>>{{1, removal_cause::collected}}));
  EXPECT_EQ(values.size(), 1U);
  EXPECT_EQ(values.stats().collections, 1U);
  second = nullptr;
  EXPECT_EQ(values.insert(2, std::make_shared<int>(3)), outcome::inserted);
  EXPECT_FALSE(values.remove(2)) << "nobody holds it";
  EXPECT_EQ(gone.size(), 3U);
  values.validate();
}

}  // namespace
}  // namespace lodestar::cache
