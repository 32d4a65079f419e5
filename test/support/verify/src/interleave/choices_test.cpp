#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "choices.hpp"

namespace lodestar::interleave::detail {
namespace {

using answers = std::vector<std::uint16_t>;

TEST(choices_test, schedules_are_written_and_read) {
  EXPECT_EQ(write_schedule({}), "-");
  EXPECT_EQ(write_schedule({0, 0}), "-");
  EXPECT_EQ(write_schedule({0, 0, 0, 2, 1, 1, 0}), "3x0.2.2x1");
  EXPECT_EQ(read_schedule("-"), answers{});
  EXPECT_EQ(read_schedule("3x0.2.2x1"), (answers{0, 0, 0, 2, 1, 1}));
  EXPECT_EQ(read_schedule("12"), answers{12});
}

/// The schedules of all executions that ask three times for a preemption out of two.
std::vector<std::string> schedules(int preemptions_max) {
  const auto choices = make_chooser(context_bound{.preemptions_max = preemptions_max});
  std::vector<std::string> found;
  while (choices->begin()) {
    for (int times = 0; times < 3; ++times) {
      EXPECT_LT(choices->choose(choice::preemption, 2), 2U);
    }
    found.push_back(choices->schedule());
  }
  EXPECT_FALSE(choices->diverged());
  return found;
}

// Goal: nothing within the bound is left out, and what needs few preemptions comes first.
TEST(choices_test, an_exhaustive_search_executes_everything_within_its_bound) {
  EXPECT_EQ(schedules(0), (std::vector<std::string>{"-"}));
  EXPECT_EQ(schedules(1), (std::vector<std::string>{"-", "-", "2x0.1", "0.1", "1"}));
  const auto all = schedules(3);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 8U);
  EXPECT_EQ(schedules(100), all) << "a higher bound than there are places costs nothing";
}

TEST(choices_test, threads_that_cannot_go_on_are_no_preemption) {
  const auto choices = make_chooser(context_bound{.preemptions_max = 0});
  std::set<std::size_t> found;
  while (choices->begin()) found.insert(choices->choose(choice::thread, 3));
  EXPECT_EQ(found, (std::set<std::size_t>{0, 1, 2}));
}

TEST(choices_test, a_random_walk_repeats_by_its_seed) {
  const auto answers_of = [](std::uint64_t seed) {
    const auto choices = make_chooser(random_walk{.executions = 1, .seed = seed});
    EXPECT_TRUE(choices->begin());
    for (int times = 0; times < 100; ++times) {
      EXPECT_LT(choices->choose(choice::thread, 5), 5U);
    }
    const auto text = choices->schedule();
    EXPECT_FALSE(choices->begin());
    return text;
  };
  EXPECT_EQ(answers_of(5), answers_of(5));
  EXPECT_NE(answers_of(5), answers_of(6));
}

}  // namespace
}  // namespace lodestar::interleave::detail
