// Goal: a watch comes back by itself to what time can change (failures that pass, results that
// age), and only to that; watches that wait begin together. The computation is a function of the
// test here, so that every failure can be had at will.
#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <utility>

#include "testing/service_fixture.hpp"
#include "watch.hpp"

#include "bound_query.hpp"

namespace lodestar::analytics {
namespace {

using testing::state_collector;

/// Answers computations with what the test prepared, else with success.
class watch_rounds : public ::testing::Test {
 protected:
  ~watch_rounds() override {
    registry_.close();
    timer_.stop();
  }

  bound_query query(const std::string& name, std::int64_t fresh_ms = swr::duration_ms_unlimited) {
    auto definition = testing::make_query(name, "SELECT 1");
    definition.lifetimes.fresh_ms = fresh_ms;
    auto bound = bind_query(std::make_shared<const known_query>(0, definition, compiled_query{},
                                                                metrics_.make_counter("n", "")),
                            {}, tick_.moved);
    EXPECT_TRUE(bound);
    return *bound;
  }
  void fail_next(const std::string& name, error_code code) {
    const std::lock_guard lock(mutex_);
    failures_[name].push_back(code);
  }
  void tick_to(std::int64_t position) {
    {
      const std::lock_guard lock(tick_.mutex);
      tick_.moved.bump("events/Airport/ATL/1", position);
      tick_.applied.store(position);
    }
    registry_.wake(false);
  }
  /// The positions at which a query was computed.
  std::vector<std::int64_t> computed(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return computed_[name];
  }
  /// Returns after everything that the timer has to do at this moment: what is scheduled later for
  /// the same time runs later.
  void settle() {
    awaited_tasks_.emplace_back();
    timer_.schedule(time_.now(), [done = &awaited_tasks_.back()] { done->set_value(); });
    ASSERT_EQ(awaited_tasks_.back().get_future().wait_for(std::chrono::seconds(60)),
              std::future_status::ready);
  }
  void advance(milliseconds by) {
    time_.advance(by);
    settle();
  }

  manual_clock time_;
  tick tick_;
  timer timer_{time_};
  metrics_registry metrics_;
  std::mutex mutex_;
  std::map<std::string, std::deque<error_code>> failures_;
  std::map<std::string, std::vector<std::int64_t>> computed_;
  std::deque<std::promise<void>> awaited_tasks_;
  watch_registry registry_{
      {.state = tick_,
       .schedule = timer_,
       .time = time_,
       .round_interval = milliseconds(10),
       .rounds = metrics_.make_counter("rounds", ""),
       .compute = [this](const bound_query& asked, std::int64_t position, query_handler done) {
         const auto& name = asked.definition().name;
         std::unique_lock lock(mutex_);
         computed_[name].push_back(position);
         auto& failures = failures_[name];
         if (failures.empty()) {
           lock.unlock();
           return done(query_answer{.value = empty_result_, .computed_at = position});
         }
         const auto code = failures.front();
         failures.pop_front();
         lock.unlock();
         done(fail(code, "not now"));
       }}};
  query_result_ptr empty_result_ = make_empty_result();

  static query_result_ptr make_empty_result();
};

query_result_ptr watch_rounds::make_empty_result() {
  struct empty final : query_result {
    std::vector<column> columns_;
    shared_bytes bytes_;
    result<shared_bytes> text_;
    hash128 digest_{};
    [[nodiscard]] const std::vector<column>& columns() const noexcept override { return columns_; }
    [[nodiscard]] std::size_t rows() const noexcept override { return 0; }
    [[nodiscard]] cell at(std::size_t, std::size_t) const override { return {}; }
    [[nodiscard]] std::span<const column_buffers> buffers() const noexcept override { return {}; }
    [[nodiscard]] const shared_bytes& arrow() const noexcept override { return bytes_; }
    [[nodiscard]] const result<shared_bytes>& json() const override { return text_; }
    [[nodiscard]] const result<shared_bytes>& csv() const override { return text_; }
    [[nodiscard]] const hash128& digest() const noexcept override { return digest_; }
  };
  return std::make_shared<empty>();
}

TEST_F(watch_rounds, tries_a_failed_tile_again_after_a_pause_that_doubles) {
  for (int attempt = 0; attempt < 3; ++attempt) fail_next("tile", error_code::deadline_exceeded);
  state_collector seen;
  const auto watching = registry_.start({query("tile"), query("other")}, seen.callback());
  EXPECT_TRUE(seen.states().back()->tiles[0].failure);
  // 0, 100, 300 and 700 ms: the delays are 100, 200 and 400.
  for (const auto& [step_ms, attempts] : std::vector<std::pair<int, std::size_t>>{
           {99, 1}, {1, 2}, {199, 2}, {1, 3}, {399, 3}, {1, 4}}) {
    advance(milliseconds(step_ms));
    EXPECT_EQ(computed("tile").size(), attempts);
  }
  ASSERT_TRUE(seen.wait([](const auto& state) { return !state.tiles[0].failure; }));
  EXPECT_EQ(computed("other").size(), 1U) << "it has not failed";
  advance(milliseconds(60'000));
  EXPECT_EQ(computed("tile").size(), 4U);
}

TEST_F(watch_rounds, does_not_wait_longer_than_ten_seconds_between_attempts) {
  for (int attempt = 0; attempt < 20; ++attempt) fail_next("tile", error_code::unavailable);
  state_collector seen;
  const auto watching = registry_.start({query("tile")}, seen.callback());
  for (int second = 0; second < 30; ++second) advance(milliseconds(1000));
  const auto before = computed("tile").size();
  for (int second = 0; second < 11; ++second) advance(milliseconds(1000));
  EXPECT_EQ(computed("tile").size(), before + 1);
}

TEST_F(watch_rounds, does_not_repeat_what_time_cannot_heal) {
  fail_next("tile", error_code::invalid_argument);
  state_collector seen;
  const auto watching = registry_.start({query("tile")}, seen.callback());
  advance(milliseconds(60'000));
  EXPECT_EQ(computed("tile").size(), 1U);
  tick_to(1);
  settle();
  EXPECT_EQ(computed("tile").size(), 2U) << "an event may heal it";
}

TEST_F(watch_rounds, computes_a_result_again_that_is_older_than_its_query_allows) {
  state_collector seen;
  const auto watching = registry_.start({query("clock", 5000), query("other")}, seen.callback());
  advance(milliseconds(4990));
  EXPECT_EQ(computed("clock").size(), 1U);
  advance(milliseconds(10));
  EXPECT_EQ(computed("clock").size(), 2U);
  advance(milliseconds(5000));
  EXPECT_EQ(computed("clock").size(), 3U);
  EXPECT_EQ(computed("other").size(), 1U);
  EXPECT_EQ(seen.states().size(), 3U);
}

TEST_F(watch_rounds, computes_for_age_at_most_once_a_second) {
  state_collector seen;
  const auto watching = registry_.start({query("clock", 0)}, seen.callback());
  for (int step = 0; step < 300; ++step) advance(milliseconds(10));
  EXPECT_EQ(computed("clock").size(), 4U);
}

TEST_F(watch_rounds, goes_on_after_a_computation_that_was_cancelled) {
  fail_next("tile", error_code::cancelled);
  state_collector seen;
  const auto watching = registry_.start({query("tile")}, seen.callback());
  ASSERT_EQ(seen.states().size(), 1U);
  EXPECT_TRUE(seen.states().back()->tiles[0].failure);
  advance(milliseconds(100));
  ASSERT_EQ(seen.states().size(), 2U);
  EXPECT_FALSE(seen.states().back()->tiles[0].failure);
}

TEST_F(watch_rounds, begins_the_rounds_of_all_watches_at_one_position) {
  state_collector first;
  state_collector second;
  const auto watching = registry_.start({query("one")}, first.callback());
  advance(milliseconds(4));
  const auto watching_too = registry_.start({query("two")}, second.callback());
  std::int64_t position = 0;
  // An event in each millisecond; the second watch began 4 ms after the first.
  for (int step = 0; step < 196; ++step) {
    tick_to(++position);
    advance(milliseconds(1));
  }
  EXPECT_EQ(computed("one"), computed("two"));
  EXPECT_EQ(computed("one").size(), 21U) << "one round in each 10 ms";
}

TEST_F(watch_rounds, is_silent_when_it_ends_before_its_next_attempt) {
  fail_next("tile", error_code::unavailable);
  state_collector seen;
  auto watching = registry_.start({query("tile")}, seen.callback());
  watching.reset();
  advance(milliseconds(60'000));
  EXPECT_EQ(computed("tile").size(), 1U);
  EXPECT_EQ(seen.states().size(), 1U);
}

}  // namespace
}  // namespace lodestar::analytics
