// Goal: with a timer, what has expired goes though nobody calls the cache; at its time, also when
// that was changed; with few calls of the timer; and nothing calls a cache that is gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <lodestar/base/scheduler.hpp>
#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// How long after its time an entry may stay.
constexpr milliseconds promptly{20};

class cache_alarm : public testing::Test {
 protected:
  using tested = cache<int, std::string>;

  options<int, std::string> with_timer() {
    return {.entries_max = 1'000,
            .listener = [this](int key, const auto&, removal_cause) { gone_.push_back(key); },
            .timer = &timer_,
            .time = &time_};
  }
  /// Moves the time on, in steps in which the timer may call.
  void pass(nanoseconds duration) {
    for (const auto end = time_.now() + duration; time_.now() < end;) {
      const auto next = timer_.next();
      const auto step =
          next ? std::clamp<nanoseconds>(*next - time_.now(), milliseconds(1), end - time_.now())
               : end - time_.now();
      time_.advance(step);
      calls_ += timer_.run_due();
    }
  }

  manual_clock time_;
  manual_scheduler timer_{time_};
  std::vector<int> gone_;
  std::size_t calls_ = 0;
};

TEST_F(cache_alarm, removes_what_has_expired_though_nobody_calls) {
  auto settings = with_timer();
  settings.time_to_live = seconds(10);
  tested values(settings);
  values.insert(1, "one");
  pass(seconds(5));
  values.insert(2, "two");
  pass(seconds(5) - milliseconds(1));
  EXPECT_EQ(gone_, (std::vector<int>{}));
  pass(promptly + milliseconds(1));
  EXPECT_EQ(gone_, (std::vector{1}));
  pass(seconds(5));
  EXPECT_EQ(gone_, (std::vector{1, 2}));
  EXPECT_EQ(values.size(), 0U);
  EXPECT_EQ(timer_.pending(), 0U) << "a cache without anything to wait for";
  values.validate();
}

TEST_F(cache_alarm, comes_at_the_time_of_each_entry_whatever_their_order) {
  auto settings = with_timer();
  settings.expires.after_create = [](int key, const auto&) { return seconds(key); };
  tested values(settings);
  for (const int key : {4'000, 70, 1, 100'000, 3, 20}) values.insert(key, "value");
  const auto begun = time_.now();
  for (const int key : {1, 3, 20, 70, 4'000, 100'000}) {
    pass(begun + seconds(key) - milliseconds(1) - time_.now());
    ASSERT_TRUE(values.contains(key));
    gone_.clear();
    pass(milliseconds(1) + promptly);
    EXPECT_EQ(gone_, (std::vector{key}));
  }
  EXPECT_LT(calls_, 60U) << "a call for each entry, and one for each level it comes down";
  EXPECT_EQ(values.size(), 0U);
}

TEST_F(cache_alarm, is_moved_by_a_write_and_by_a_use) {
  auto settings = with_timer();
  settings.time_to_idle = seconds(10);
  tested values(settings);
  values.insert(1, "one");
  for (int times = 0; times < 10; ++times) {
    pass(seconds(9));
    ASSERT_TRUE(values.get(1)) << times;
  }
  pass(seconds(10) + milliseconds(200));  // a use counts to within a 64th
  EXPECT_EQ(gone_, (std::vector{1}));
}

TEST_F(cache_alarm, comes_earlier_when_a_use_shortens_the_time) {
  auto settings = with_timer();
  settings.time_to_live = hours(1);
  settings.expires.after_read = [](int, const auto&, nanoseconds) { return seconds(1); };
  tested values(settings);
  values.insert(1, "one");
  EXPECT_TRUE(values.get(1));
  pass(seconds(1) + promptly);
  EXPECT_EQ(gone_, (std::vector{1}));
}

TEST_F(cache_alarm, is_answered_in_the_background_when_there_is_one) {
  manual_executor background;
  auto settings = with_timer();
  settings.time_to_live = seconds(1);
  settings.background = &background;
  tested values(settings);
  values.insert(1, "one");
  pass(seconds(2));
  EXPECT_EQ(gone_, (std::vector<int>{}));
  background.run_all();
  EXPECT_EQ(gone_, (std::vector{1}));
}

TEST_F(cache_alarm, calls_no_cache_that_is_gone) {
  auto settings = with_timer();
  settings.time_to_live = seconds(1);
  auto values = std::make_unique<tested>(settings);
  values->insert(1, "one");
  EXPECT_EQ(timer_.pending(), 1U);
  values = nullptr;
  pass(seconds(2));
  EXPECT_EQ(gone_, (std::vector<int>{}));
  EXPECT_EQ(timer_.pending(), 0U);
}

TEST_F(cache_alarm, is_not_set_anew_by_maintenance) {
  auto settings = with_timer();
  settings.time_to_live = hours(1);
  tested values(settings);
  values.insert(1, "one");
  for (int times = 0; times < 100; ++times) {
    pass(milliseconds(1));
    values.maintain();
  }
  EXPECT_LE(timer_.pending(), 2U);
}

/// Takes nothing at first, as one that is full.
class full_scheduler final : public scheduler {
 public:
  explicit full_scheduler(scheduler& behind) : behind_(behind) {}
  bool post_at(steady_time when, task&& work) override {
    return !full && behind_.post_at(when, std::move(work));
  }
  bool full = true;

 private:
  scheduler& behind_;
};

TEST_F(cache_alarm, is_tried_again_when_the_timer_was_full) {
  full_scheduler full(timer_);
  auto settings = with_timer();
  settings.time_to_live = seconds(1);
  settings.timer = &full;
  tested values(settings);
  values.insert(1, "one");
  EXPECT_EQ(timer_.pending(), 0U);
  full.full = false;
  values.insert(2, "two");
  pass(seconds(1) + promptly);
  std::ranges::sort(gone_);
  EXPECT_EQ(gone_, (std::vector{1, 2}));
}

TEST(cache_alarm_by_the_clock, removes_what_has_expired_though_nobody_calls) {
  std::promise<int> gone;
  timer_thread timer("cache-timer", 16);
  cache<int, int> values({.entries_max = 10,
                          .listener =
                              [&](int key, int, removal_cause why) {
                                EXPECT_EQ(why, removal_cause::expired);
                                gone.set_value(key);
                              },
                          .time_to_live = milliseconds(5),
                          .timer = &timer});
  values.insert(1, 1);
  EXPECT_EQ(gone.get_future().get(), 1);
  timer.stop();
}

}  // namespace
}  // namespace lodestar::cache
