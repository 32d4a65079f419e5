// Goal: a watch shows one position per state, growing, computes only what moved, and is silent once
// it is gone.
#include <atomic>
#include <latch>
#include <thread>

#include "testing/service_fixture.hpp"

namespace lodestar::analytics {
namespace {

using testing::airport_query;
using testing::awaited;
using testing::heavy_query;
using testing::make_query;
using testing::state_collector;
using testing::total_query;

class analytics_watch : public testing::service_fixture {
 protected:
  std::vector<bound_query> page() {
    return {bind("total"), bind("airport", {{"airport", "ATL"}}),
            bind("airport", {{"airport", "SFO"}})};
  }
};

TEST_F(analytics_watch, shows_the_first_state_of_an_empty_log) {
  open_service({total_query(), airport_query()});
  state_collector seen;
  const auto watching = service_->start_watch(page(), seen.callback());
  const auto state = seen.wait_position(0);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->position, 0);
  ASSERT_EQ(state->tiles.size(), 3U);
  EXPECT_EQ(integer(*state->tiles[0].value), 0);
}

TEST_F(analytics_watch, computes_only_what_moved) {
  open_service({total_query(), airport_query()});
  state_collector seen;
  const auto watching = service_->start_watch(page(), seen.callback());
  const auto first = seen.wait_position(0);
  append(flight("ATL", 5));
  const auto second = seen.wait_position(1);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->position, 1);
  EXPECT_EQ(integer(*second->tiles[0].value), 1);
  EXPECT_EQ(integer(*second->tiles[1].value, 1), 5);
  EXPECT_EQ(second->tiles[0].changed_at, 1);
  EXPECT_EQ(second->tiles[2].value, first->tiles[2].value) << "nothing happened there";
  EXPECT_EQ(second->tiles[2].changed_at, 0);
  EXPECT_EQ(executions("airport"), 3U);
  EXPECT_EQ(executions("total"), 2U);
}

TEST_F(analytics_watch, says_when_content_stayed_the_same) {
  auto largest = make_query("largest", "SELECT max(delay) AS delay FROM flight");
  open_service({largest});
  append_and_apply(flight("ATL", 9));
  state_collector seen;
  const auto watching = service_->start_watch({bind("largest")}, seen.callback());
  const auto first = seen.wait_position(1);
  append(flight("ATL", 1));
  const auto second = seen.wait_position(2);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->tiles[0].changed_at, 1);
  EXPECT_EQ(second->tiles[0].computed_at, 2);
  EXPECT_EQ(second->tiles[0].value, first->tiles[0].value);
}

TEST_F(analytics_watch, shows_one_growing_position_under_load) {
  open_service({total_query(), airport_query(),
                make_query("again", "SELECT count(*) AS n FROM flight WHERE delay >= 0")});
  state_collector seen;
  const auto watching =
      service_->start_watch({bind("total"), bind("again"), bind("airport", {{"airport", "ATL"}}),
                             bind("airport", {{"airport", "SFO"}})},
                            seen.callback());
  constexpr int events = 400;
  for (int index = 0; index < events; ++index) append(flight(index % 2 == 0 ? "ATL" : "SFO", 1));
  ASSERT_TRUE(seen.wait_position(events));
  std::int64_t before = -1;
  for (const auto& state : seen.states()) {
    EXPECT_GT(state->position, before);
    before = state->position;
    // Each event is one flight: every tile must agree with the position and with the others.
    EXPECT_EQ(integer(*state->tiles[0].value), state->position);
    EXPECT_EQ(integer(*state->tiles[1].value), state->position);
    EXPECT_EQ(integer(*state->tiles[2].value) + integer(*state->tiles[3].value), state->position);
  }
}

TEST_F(analytics_watch, shares_computations_with_other_watches_and_requests) {
  open_service({total_query()});
  state_collector first;
  state_collector second;
  const auto watching = service_->start_watch({bind("total")}, first.callback());
  ASSERT_TRUE(first.wait_position(0));
  const auto watching_too = service_->start_watch({bind("total")}, second.callback());
  ASSERT_TRUE(second.wait_position(0));
  EXPECT_EQ(executions("total"), 1U);
  append_and_apply(flight("ATL", 1));
  ASSERT_TRUE(first.wait_position(1));
  ASSERT_TRUE(second.wait_position(1));
  EXPECT_TRUE(get(bind("total"))->hit);
  EXPECT_EQ(executions("total"), 2U);
}

TEST_F(analytics_watch, keeps_the_last_good_value_while_a_query_fails) {
  open_service({make_query("fragile",
                           "SELECT sum(CAST(destination AS INTEGER)) AS s FROM flight WHERE "
                           "position = (SELECT max(position) FROM flight)"),
                total_query()});
  append_and_apply(flight("ATL", 1, "41"));
  state_collector seen;
  const auto watching = service_->start_watch({bind("fragile"), bind("total")}, seen.callback());
  ASSERT_TRUE(seen.wait_position(1));
  append(flight("ATL", 1, "no number"));
  const auto broken = seen.wait_position(2);
  ASSERT_TRUE(broken->tiles[0].failure);
  EXPECT_EQ(integer(*broken->tiles[0].value), 41);
  EXPECT_EQ(broken->tiles[0].computed_at, 1);
  EXPECT_EQ(broken->tiles[0].changed_at, 2);
  EXPECT_EQ(integer(*broken->tiles[1].value), 2) << "the other tile goes on";
  append(flight("ATL", 1, "43"));
  const auto healed = seen.wait_position(3);
  EXPECT_FALSE(healed->tiles[0].failure);
  EXPECT_EQ(integer(*healed->tiles[0].value), 43);
  EXPECT_EQ(healed->tiles[0].changed_at, 3);
}

TEST_F(analytics_watch, shows_a_query_that_never_succeeded_as_an_error) {
  open_service({make_query("never", "SELECT CAST('x' || count(*) AS INTEGER) FROM flight")});
  state_collector seen;
  const auto watching = service_->start_watch({bind("never")}, seen.callback());
  const auto state = seen.wait_position(0);
  EXPECT_EQ(state->tiles[0].value, nullptr);
  EXPECT_TRUE(state->tiles[0].failure);
}

TEST_F(analytics_watch, is_silent_after_its_end_even_in_the_middle_of_a_round) {
  open_service({make_query("slow", "SELECT count(*) AS n FROM range(3000000) a(x), flight")});
  append_and_apply(flight("ATL", 1));
  for (int round = 0; round < 10; ++round) {
    std::atomic<bool> gone{false};
    std::atomic<bool> spoke{false};
    auto watching = service_->start_watch({bind("slow")}, [&](const auto&) {
      if (gone.load()) spoke = true;
    });
    append(flight("ATL", 1));
    watching.reset();
    gone = true;
    append_and_apply(flight("ATL", 1));
    ASSERT_TRUE(get(bind("slow")));
    EXPECT_FALSE(spoke.load());
  }
}

TEST_F(analytics_watch, may_end_inside_its_own_callback_and_start_another) {
  open_service({total_query()});
  std::latch both(2);
  std::unique_ptr<watch> first;
  std::unique_ptr<watch> second;
  std::mutex mutex;  // The callback may come before start_watch has returned.
  {
    const std::lock_guard lock(mutex);
    first = service_->start_watch({bind("total")}, [&](const auto&) {
      const std::lock_guard inside(mutex);
      first.reset();
      second = service_->start_watch({bind("total")}, [&](const auto&) { both.count_down(); });
      both.count_down();
    });
  }
  both.wait();
  service_->stop();
}

TEST_F(analytics_watch, may_outlive_the_service) {
  open_service({total_query()});
  state_collector seen;
  auto watching = service_->start_watch({bind("total")}, seen.callback());
  ASSERT_TRUE(seen.wait_position(0));
  service_.reset();
  append(flight("ATL", 1));
  watching.reset();
  EXPECT_EQ(seen.states().size(), 1U);
}

TEST_F(analytics_watch, does_not_keep_requests_waiting) {
  settings_.connections = 1;
  auto slow =
      make_query("slow", "SELECT count(*) AS n, $tile AS tile FROM range(2000000) a(x), flight");
  slow.parameters = {{"tile", value_type::integer, std::nullopt}};
  open_service({slow, total_query()});
  append_and_apply(flight("ATL", 1));
  state_collector seen;
  std::vector<bound_query> tiles;
  constexpr std::size_t tile_count = 30;
  for (std::size_t tile = 0; tile < tile_count; ++tile)
    tiles.push_back(bind("slow", {{"tile", std::to_string(tile)}}));
  const auto watching = service_->start_watch(tiles, seen.callback());
  ASSERT_TRUE(get(bind("total")));
  EXPECT_LT(executions("slow"), tile_count) << "the request went in between";
  ASSERT_TRUE(seen.wait_position(1));
}

class analytics_watch_time : public analytics_watch {
 protected:
  clock& time() override { return manual_; }
  manual_clock manual_;
};

TEST_F(analytics_watch_time, begins_at_once_after_a_pause_and_else_waits_for_its_interval) {
  settings_.round_interval_ms = 1000;
  open_service({total_query()});
  state_collector seen;
  const auto watching = service_->start_watch({bind("total")}, seen.callback());
  ASSERT_TRUE(seen.wait_position(0));
  manual_.advance(milliseconds(1000));
  append_and_apply(flight("ATL", 1));
  ASSERT_TRUE(seen.wait_position(1)) << "the last round was long ago";
  append_and_apply(flight("ATL", 1));
  append_and_apply(flight("ATL", 1));
  ASSERT_TRUE(get(bind("total"), {.bypass = true}));
  EXPECT_EQ(seen.states().back()->position, 1);
  manual_.advance(milliseconds(1000));
  ASSERT_TRUE(seen.wait_position(3));
  EXPECT_EQ(seen.states().size(), 3U) << "two events, one round";
}

TEST_F(analytics_watch_time, shows_a_clock_without_events) {
  auto now = make_query("now", "SELECT epoch_us(now()) AS at");
  now.lifetimes.fresh_ms = 1000;
  now.depends_on_all = false;
  open_service({now});
  state_collector seen;
  const auto watching = service_->start_watch({bind("now")}, seen.callback());
  const auto first = seen.wait_position(0);
  manual_.advance(milliseconds(1000));
  const auto second = seen.wait([&](const auto& state) {
    return state.tiles[0].value && state.tiles[0].value != first->tiles[0].value;
  });
  ASSERT_TRUE(second);
  EXPECT_GT(integer(*second->tiles[0].value), integer(*first->tiles[0].value));
  EXPECT_EQ(second->position, 0);
}

TEST_F(analytics_watch_time, shares_each_round_between_pages_that_began_at_different_times) {
  constexpr milliseconds half{500};
  settings_.round_interval_ms = 2 * half.count();
  open_service({total_query(), make_query("other", "SELECT max(delay) AS n FROM flight")});
  state_collector first;
  state_collector second;
  const auto watching = service_->start_watch({bind("total")}, first.callback());
  ASSERT_TRUE(first.wait_position(0));
  manual_.advance(half);
  append_and_apply(flight("ATL", 1));
  ASSERT_TRUE(get(bind("other")));
  const auto watching_too =
      service_->start_watch({bind("total"), bind("other")}, second.callback());
  ASSERT_TRUE(second.wait_position(1));
  manual_.advance(half);
  ASSERT_TRUE(first.wait_position(1));
  // The second page has not had a round in this step yet. The clock stands until it has: a round
  // rests for as long as it took.
  ASSERT_TRUE(second.wait_position(append_and_apply(flight("ATL", 1))));
  const auto run_to_next_step = [&] {
    manual_.advance(half);
    const auto position = append_and_apply(flight("ATL", 1));
    manual_.advance(half);
    return first.wait_position(position) && second.wait_position(position);
  };
  ASSERT_TRUE(run_to_next_step());
  const auto before = executions("total");
  constexpr std::uint64_t steps = 10;
  for (std::uint64_t step = 0; step < steps; ++step) {
    append_and_apply(flight("ATL", 1));
    ASSERT_TRUE(run_to_next_step());
  }
  EXPECT_EQ(executions("total") - before, steps);
}

TEST_F(analytics_watch_time, heals_a_tile_that_found_the_queue_full_without_an_event) {
  settings_.connections = 1;
  settings_.waiting_queries_max = 1;
  open_service({heavy_query(5'000), total_query(), airport_query()});
  append_and_apply(flight("ATL", 1));
  awaited<query_answer> running;
  service_->get(bind("heavy"), {}, running.handler());
  ASSERT_TRUE(wait_executions("heavy", 1));
  state_collector seen;
  const auto watching = service_->start_watch(
      {bind("total"), bind("airport", {{"airport", "ATL"}})}, seen.callback());
  manual_.advance(milliseconds(5'000));
  ASSERT_TRUE(testing::advance_until(manual_, [&] { return running.ready(); }));
  const auto first = seen.wait_position(1);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->tiles[0].failure);
  ASSERT_TRUE(first->tiles[1].failure);
  EXPECT_EQ(first->tiles[1].failure->code, error_code::unavailable);
  // The round took long, and rests as long.
  EXPECT_TRUE(testing::advance_until(
      manual_, [&] { return !seen.states().back()->tiles[1].failure.has_value(); }));
  EXPECT_EQ(running.get().error().code, error_code::deadline_exceeded);
}

TEST_F(analytics_watch_time, gives_a_tile_its_whole_deadline_after_it_waited_for_its_turn) {
  settings_.connections = 1;
  auto late = total_query();
  late.deadline_ms = 1'000;
  open_service({heavy_query(5'000), late});
  awaited<query_answer> running;
  service_->get(bind("heavy"), {}, running.handler());
  ASSERT_TRUE(wait_executions("heavy", 1));
  state_collector seen;
  const auto watching = service_->start_watch({bind("total")}, seen.callback());
  manual_.advance(milliseconds(5'000));
  ASSERT_TRUE(testing::advance_until(manual_, [&] { return running.ready(); }));
  const auto state = seen.wait_position(0);
  ASSERT_TRUE(state);
  EXPECT_FALSE(state->tiles[0].failure);
  EXPECT_EQ(running.get().error().code, error_code::deadline_exceeded);
}

TEST_F(analytics_watch_time, ends_a_tile_that_runs_longer_than_its_deadline) {
  settings_.connections = 1;
  open_service({heavy_query(5'000)});
  state_collector seen;
  const auto watching = service_->start_watch({bind("heavy")}, seen.callback());
  ASSERT_TRUE(wait_executions("heavy", 1));
  manual_.advance(milliseconds(5'000));
  ASSERT_TRUE(testing::advance_until(manual_, [&] { return !seen.states().empty(); }));
  const auto state = seen.wait_position(0);
  ASSERT_TRUE(state);
  ASSERT_TRUE(state->tiles[0].failure);
  EXPECT_EQ(state->tiles[0].failure->code, error_code::deadline_exceeded);
}

}  // namespace
}  // namespace lodestar::analytics
