// Goal: a cache over tiers keeps its promises, one per test, on a virtual clock, with stores that
// answer when and as the test says. tier_schedule_test.cpp explores interleavings.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tiers_fixture.hpp"

namespace lodestar::swr {
namespace {

using swr_tiers = tiers_fixture;

TEST_F(swr_tiers, a_load_is_kept_in_memory_and_in_every_tier) {
  ask(first_);
  complete(0, "v");
  EXPECT_EQ(value_of(first_), "v");
  EXPECT_EQ(near_->entries.size(), 1U);
  EXPECT_EQ(far_->entries.size(), 1U);
  EXPECT_TRUE(near_->entries.contains("texts:k"));
  EXPECT_TRUE(values_.peek("k").has_value());
  EXPECT_TRUE(below_->is_settled());
}

TEST_F(swr_tiers, a_hit_of_a_lower_tier_goes_into_the_upper_ones_and_memory) {
  set("v");
  near_->entries.clear();
  texts other(settings(make_tiers()));  // another process: its memory is empty
  ask(other, first_);
  EXPECT_EQ(value_of(first_), "v");
  EXPECT_TRUE((*first_)->hit);
  EXPECT_EQ((*first_)->tier, 1U);
  EXPECT_EQ(near_->entries.size(), 1U);
  EXPECT_EQ(other.peek("k")->value, "v");
  EXPECT_TRUE(loads_.empty());
  EXPECT_EQ(other.stats().tier_hits, 1U);
}

TEST_F(swr_tiers, an_entry_keeps_its_age_when_it_moves_up) {
  set("v");
  time_.advance(milliseconds(999));
  texts other(settings(make_tiers()));
  ask(other, first_);
  EXPECT_EQ((*first_)->state, freshness::fresh);
  EXPECT_EQ((*first_)->age_ms, 999);
  time_.advance(milliseconds(1));
  EXPECT_EQ(other.peek("k")->state, freshness::stale) << "exactly at fresh_until it is stale";
  time_.advance(milliseconds(5'000));
  EXPECT_FALSE(other.peek("k").has_value()) << "exactly at stale_until it has expired";
}

TEST_F(swr_tiers, a_stale_entry_of_a_tier_is_served_and_revalidated_once) {
  set("old");
  time_.advance(milliseconds(1'500));
  texts other(settings(make_tiers()));
  ask(other, first_);
  EXPECT_EQ(value_of(first_), "old");
  EXPECT_EQ((*first_)->state, freshness::stale);
  ask(other, second_);
  EXPECT_EQ(value_of(second_), "old");
  ASSERT_EQ(loads_.size(), 1U);
  complete(0, "new");
  ask(other, third_);
  EXPECT_EQ(value_of(third_), "new");
  EXPECT_EQ((*third_)->state, freshness::fresh);
}

TEST_F(swr_tiers, a_revalidation_takes_what_another_process_has_refreshed) {
  set("old");
  time_.advance(milliseconds(1'500));
  texts other(settings(make_tiers()));
  other.set("k", {.value = "new"}, {}, nullptr);
  ask(first_);
  EXPECT_EQ(value_of(first_), "old") << "memory has that, stale";
  EXPECT_TRUE(loads_.empty()) << "the tiers have something fresh";
  ask(second_);
  EXPECT_EQ(value_of(second_), "new");
}

TEST_F(swr_tiers, get_asks_memory_and_tiers_and_never_loads) {
  values_.get("k", {}, {}, into(first_));
  EXPECT_EQ((*first_).error().code, error_code::not_found);
  set("v");
  texts other(settings(make_tiers()));
  other.get("k", {}, {}, into(second_));
  EXPECT_EQ(value_of(second_), "v");
  EXPECT_EQ(other.stats().loads, 0U);
}

TEST_F(swr_tiers, one_flight_looks_and_loads_for_all) {
  near_->park(true);
  for (auto* place : {&first_, &second_, &third_}) ask(*place);
  EXPECT_EQ(near_->gets, 1U);
  near_->park(false);
  near_->let_go(0);
  ASSERT_EQ(loads_.size(), 1U);
  complete(0, "v");
  for (auto* place : {&first_, &second_, &third_}) EXPECT_EQ(value_of(*place), "v");
}

TEST_F(swr_tiers, who_waits_writes_nothing) {
  ask(first_);
  ask(second_);
  ask(third_);
  complete(0, "v");
  EXPECT_EQ(value_of(third_), "v");
  EXPECT_EQ(near_->sets, 1U);
  EXPECT_EQ(far_->sets, 1U);
}

TEST_F(swr_tiers, a_failing_tier_is_a_miss) {
  set("v");
  near_->set_down(true);
  texts other(settings(make_tiers()));
  ask(other, first_);
  EXPECT_EQ(value_of(first_), "v");
  EXPECT_EQ((*first_)->tier, 1U);
  far_->set_down(true);
  texts third(settings(make_tiers()));
  ask(third, second_);
  ASSERT_EQ(loads_.size(), 1U);
  complete(0, "loaded");
  EXPECT_EQ(value_of(second_), "loaded");
}

TEST_F(swr_tiers, a_removed_key_does_not_come_back_from_a_tier_that_did_not_hear_of_it) {
  set("v");
  far_->set_down(true);
  std::optional<result<void>> told;
  values_.remove("k", [&](result<void> what) { told = std::move(what); });
  ASSERT_TRUE(told.has_value());
  ASSERT_FALSE(told->has_value());
  EXPECT_EQ(told->error().code, error_code::unavailable);
  far_->set_down(false);
  EXPECT_TRUE(far_->entries.contains("texts:k"));
  values_.get("k", {}, {}, into(first_));
  EXPECT_EQ((*first_).error().code, error_code::not_found) << "it is not asked for the key yet";
  advance(milliseconds(2'000));
  EXPECT_FALSE(far_->entries.contains("texts:k")) << "it is told when it answers again";
  EXPECT_TRUE(below_->is_settled());
}

TEST_F(swr_tiers, what_a_tier_did_not_take_is_written_later_newest_only) {
  far_->set_down(true);
  set("1");
  set("2");
  far_->set_down(false);
  set("3");  // the breaker is closed: this one gets through
  EXPECT_TRUE(below_->is_settled());
  far_->set_down(true);
  set("4");
  far_->set_down(false);
  const auto sets = far_->sets;
  advance(milliseconds(2'000));
  EXPECT_EQ(far_->sets, sets + 1);
  texts other(
      settings(tiers::make({.tiers = {{.below = far_}}, .time = &time_, .timer = &timer_})));
  ask(other, first_);
  EXPECT_EQ(value_of(first_), "4");
}

TEST_F(swr_tiers, of_each_key_one_write_is_on_its_way) {
  far_->park(true);
  set("1");
  set("2");
  set("3");
  EXPECT_EQ(far_->parked(), 1U);
  far_->let_go(0);
  EXPECT_EQ(far_->parked(), 1U) << "the second was overtaken by the third";
  far_->let_go(0);
  EXPECT_EQ(far_->parked(), 0U);
  EXPECT_NE(far_->entries.at("texts:k").bytes.find('3'), std::string::npos);
}

TEST_F(swr_tiers, a_reader_finds_what_is_on_its_way_to_a_tier) {
  far_->park(true);
  near_->set_down(true);
  texts small(
      {.name = "small", .weight_max = 1, .below = below_, .time = &time_, .timer = &timer_});
  small.set("a", {.value = "1"}, {}, nullptr);
  small.set("b", {.value = "2"}, {}, nullptr);  // "a" leaves the memory
  small.get("a", {}, {}, into(first_));
  far_->let_go(far_->parked() - 1);  // it asks when everything was removed last, too
  EXPECT_EQ(value_of(first_), "1");
}

TEST_F(swr_tiers, a_set_or_removal_wins_over_a_look) {
  set("old");
  texts other(settings(make_tiers()));
  near_->park(true);
  ask(other, first_);
  near_->park(false);
  other.remove("k", nullptr);
  near_->let_go(0);
  ASSERT_EQ(loads_.size(), 1U) << "what was found before the removal is not used";
  EXPECT_FALSE(near_->entries.contains("texts:k"));
  complete(0, "new");
  EXPECT_EQ(value_of(first_), "new");
  EXPECT_FALSE(other.peek("k").has_value()) << "the load began before the removal, too";
  EXPECT_FALSE(near_->entries.contains("texts:k"));
}

TEST_F(swr_tiers, a_removal_wins_over_a_load_on_every_tier) {
  ask(first_);
  values_.remove("k", nullptr);
  complete(0, "old");
  EXPECT_EQ(value_of(first_), "old") << "who waited gets it";
  EXPECT_TRUE(near_->entries.empty());
  EXPECT_TRUE(far_->entries.empty());
  EXPECT_EQ(values_.stats().superseded, 1U);
}

TEST_F(swr_tiers, a_tier_that_missed_too_much_is_not_believed) {
  auto below = tiers::make(
      {.tiers = {{.below = far_, .pending_writes_max = 10}}, .time = &time_, .timer = &timer_});
  texts values(settings(below));
  for (int key = 0; key < 20; ++key) values.set(std::to_string(key), {.value = "v"}, {}, nullptr);
  far_->set_down(true);
  for (int key = 0; key < 20; ++key) values.remove(std::to_string(key), nullptr);
  EXPECT_LE(below->stats().front().pending_writes, 10U);
  EXPECT_GT(below->stats().front().given_up, 0U);
  far_->set_down(false);
  advance(milliseconds(10'000));
  EXPECT_FALSE(far_->entries.empty());
  for (int key = 0; key < 20; ++key) {
    std::optional<outcome> found;
    values.get(std::to_string(key), {}, {}, into(found));
    EXPECT_FALSE(found->has_value()) << key;
  }
  values.set("new", {.value = "v"}, {}, nullptr);
  EXPECT_TRUE(below->is_settled());
  texts other(
      settings(tiers::make({.tiers = {{.below = far_}}, .time = &time_, .timer = &timer_})));
  for (int key = 0; key < 20; ++key) {
    std::optional<outcome> found;
    other.get(std::to_string(key), {}, {}, into(found));
    EXPECT_FALSE(found->has_value()) << key << ": the tier itself says up to when";
  }
  other.get("new", {}, {}, into(first_));
  EXPECT_EQ(value_of(first_), "v");
}

TEST_F(swr_tiers, who_is_told_that_a_write_was_given_up_may_use_the_cache) {
  auto below = tiers::make(
      {.tiers = {{.below = far_, .pending_writes_max = 3}}, .time = &time_, .timer = &timer_});
  texts values(settings(below));
  far_->park(true);
  int told = 0;
  for (int key = 0; key < 10; ++key) {
    for (int twice = 0; twice < 2; ++twice) {
      values.remove(std::to_string(key), [&](const result<void>&) {
        ++told;
        EXPECT_FALSE(values.peek("nothing").has_value());
        values.remove("more", nullptr);
      });
    }
  }
  EXPECT_GT(told, 0);
  EXPECT_GT(below->stats().front().given_up, 0U);
  far_->park(false);
  while (far_->parked() > 0) far_->let_go(0);
  advance(milliseconds(2'000));
  EXPECT_EQ(told, 20);
}

TEST_F(swr_tiers, all_that_waits_is_sent_as_soon_as_the_tier_works) {
  far_->set_down(true);
  for (int key = 0; key < 2'000; ++key)
    values_.set(std::to_string(key), {.value = "v"}, {}, nullptr);
  far_->set_down(false);
  advance(milliseconds(2'000));
  EXPECT_TRUE(below_->is_settled());
  EXPECT_EQ(far_->entries.size(), 2'000U);
}

TEST_F(swr_tiers, the_breaker_opens_after_five_failures_and_closes_by_itself) {
  far_->set_down(true);
  near_->set_down(true);
  for (int key = 0; key < 20; ++key) {
    values_.get(std::to_string(key), {}, {}, [](const auto&) {});
  }
  EXPECT_EQ(far_->gets, 5U);
  EXPECT_TRUE(below_->stats().at(1).breaker_is_open);
  EXPECT_EQ(below_->stats().at(1).refused_reads, 15U);
  far_->set_down(false);
  advance(milliseconds(500));
  values_.get("probe", {}, {}, [](const auto&) {});
  EXPECT_FALSE(below_->stats().at(1).breaker_is_open);
}

TEST_F(swr_tiers, what_is_no_entry_is_a_miss_and_is_deleted) {
  set("v");
  near_->entries.at("texts:k").bytes[60] ^= 1;
  texts other(settings(make_tiers()));
  ask(other, first_);
  EXPECT_EQ(value_of(first_), "v");
  EXPECT_EQ((*first_)->tier, 1U);
  EXPECT_EQ(near_->entries.at("texts:k").bytes, far_->entries.at("texts:k").bytes);
  far_->entries.at("texts:k").bytes = "somebody else's";
  near_->entries.clear();
  auto below = make_tiers();
  texts third(settings(below));
  ask(third, second_);
  EXPECT_EQ(loads_.size(), 1U);
  EXPECT_FALSE(far_->entries.contains("texts:k"));
  EXPECT_EQ(below->stats().at(1).faults, 1U);
}

TEST_F(swr_tiers, a_value_of_another_type_is_a_miss) {
  set("v");
  cache<std::string, std::int64_t> numbers(
      {.name = "texts", .below = make_tiers(), .time = &time_, .timer = &timer_});
  std::optional<result<answer<std::int64_t>>> found;
  numbers.get("k", {}, {}, [&](auto what) { found = std::move(what); });
  EXPECT_EQ((*found).error().code, error_code::not_found);
}

TEST_F(swr_tiers, names_keep_caches_apart) {
  texts other(settings(below_, "other"));
  set("v");
  other.get("k", {}, {}, into(first_));
  EXPECT_EQ((*first_).error().code, error_code::not_found);
}

TEST_F(swr_tiers, fail_safe_serves_an_expired_entry_when_the_load_fails) {
  set("old");
  advance(milliseconds(7'000));
  EXPECT_FALSE(values_.peek("k").has_value());
  ask(first_);
  break_load(0);
  EXPECT_EQ(value_of(first_), "old");
  EXPECT_EQ((*first_)->state, freshness::expired);
  ASSERT_NE((*first_)->failure, nullptr);
  EXPECT_EQ((*first_)->failure->message, "no database");
  // Throttled: nobody tries again for 30 s.
  ask(second_);
  EXPECT_EQ(value_of(second_), "old");
  EXPECT_EQ(loads_.size(), 1U);
  advance(milliseconds(30'000));
  ask(third_);
  ASSERT_EQ(loads_.size(), 2U);
  complete(1, "new");
  EXPECT_EQ(value_of(third_), "new");
  EXPECT_EQ(values_.peek("k")->state, freshness::fresh);
}

TEST_F(swr_tiers, what_fail_safe_serves_stays_expired) {
  set("v");
  advance(milliseconds(7'000));
  ask(first_);
  break_load(0);
  EXPECT_EQ((*first_)->state, freshness::expired);
  ask(second_);  // throttled
  EXPECT_EQ((*second_)->state, freshness::expired);
  texts other(settings(make_tiers()));
  ask(other, third_);
  EXPECT_FALSE(third_.has_value()) << "the tiers do not have it as anything better";
  break_load(1);
  EXPECT_EQ((*third_)->state, freshness::expired);
}

TEST_F(swr_tiers, fail_safe_ends) {
  set("old");
  advance(milliseconds(66'000));
  ask(first_);
  break_load(0);
  EXPECT_EQ((*first_).error().code, error_code::unavailable);
}

TEST_F(swr_tiers, fail_safe_finds_what_only_a_tier_has) {
  set("old");
  time_.advance(milliseconds(7'000));
  texts other(settings(make_tiers()));
  ask(other, first_);
  EXPECT_FALSE(first_.has_value());
  break_load(0);
  EXPECT_EQ(value_of(first_), "old");
  EXPECT_EQ((*first_)->state, freshness::expired);
}

TEST_F(swr_tiers, a_soft_timeout_gives_what_fail_safe_has_and_the_load_goes_on) {
  set("old");
  advance(milliseconds(7'000));
  ask(values_, first_, {.soft_timeout_ms = 100, .hard_timeout_ms = 1'000});
  advance(milliseconds(99));
  EXPECT_FALSE(first_.has_value());
  advance(milliseconds(1));
  EXPECT_EQ(value_of(first_), "old");
  EXPECT_EQ((*first_)->failure->code, error_code::deadline_exceeded);
  complete(0, "new");
  EXPECT_EQ(values_.peek("k")->value, "new");
}

TEST_F(swr_tiers, a_hard_timeout_ends_the_wait_and_the_load_goes_on) {
  ask(values_, first_, {.soft_timeout_ms = 100, .hard_timeout_ms = 1'000});
  advance(milliseconds(999));
  EXPECT_FALSE(first_.has_value()) << "the soft one applies only where there is something";
  advance(milliseconds(1));
  EXPECT_EQ((*first_).error().code, error_code::deadline_exceeded);
  complete(0, "new");
  EXPECT_EQ(values_.peek("k")->value, "new");
  EXPECT_EQ(values_.stats().timeouts, 1U);
}

TEST_F(swr_tiers, a_load_that_hangs_does_not_keep_the_key) {
  ask(first_);
  advance(milliseconds(60'000));
  EXPECT_EQ((*first_).error().code, error_code::deadline_exceeded);
  ask(second_);
  ASSERT_EQ(loads_.size(), 2U);
  complete(1, "new");
  EXPECT_EQ(value_of(second_), "new");
  complete(0, "late");
  EXPECT_EQ(values_.peek("k")->value, "new");
}

TEST_F(swr_tiers, an_eager_refresh_begins_before_the_entry_is_stale) {
  set("old");
  const call_options eager{.eager_refresh = 0.9};
  time_.advance(milliseconds(899));
  ask(values_, first_, eager);
  EXPECT_TRUE(loads_.empty());
  time_.advance(milliseconds(1));
  ask(values_, second_, eager);
  EXPECT_EQ((*second_)->state, freshness::fresh);
  EXPECT_EQ(values_.stats().eager_refreshes, 1U);
  ASSERT_EQ(loads_.size(), 1U);
  complete(0, "new");
  EXPECT_EQ(values_.peek("k")->value, "new");
}

TEST_F(swr_tiers, jitter_makes_entries_fresh_for_different_times) {
  std::vector<int> fresh_for;
  for (int key = 0; key < 50; ++key)
    values_.set(std::to_string(key), {.value = "v"}, {.jitter_ms = 500}, nullptr);
  std::size_t stale = 0;
  time_.advance(milliseconds(1'250));
  for (int key = 0; key < 50; ++key)
    stale += values_.peek(std::to_string(key))->state == freshness::stale ? 1U : 0U;
  EXPECT_GT(stale, 10U);
  EXPECT_LT(stale, 40U);
}

TEST_F(swr_tiers, a_tag_removes_what_has_it_from_memory_and_tiers) {
  values_.set("a", {.value = "1", .tags = {"red", "blue"}}, {}, nullptr);
  values_.set("b", {.value = "2", .tags = {"blue"}}, {}, nullptr);
  values_.set("c", {.value = "3"}, {}, nullptr);
  values_.remove_by_tag("red", nullptr);
  EXPECT_FALSE(values_.peek("a").has_value());
  EXPECT_TRUE(values_.peek("b").has_value());
  values_.get("a", {}, {}, into(first_));
  EXPECT_FALSE(first_->has_value());
  // Another process learns of it from the tiers.
  texts other(settings(make_tiers()));
  other.get("a", {}, {}, into(second_));
  EXPECT_FALSE(second_->has_value());
  other.get("b", {}, {}, into(third_));
  EXPECT_EQ(value_of(third_), "2");
  values_.set("a", {.value = "4", .tags = {"red"}}, {}, nullptr);
  EXPECT_EQ(values_.peek("a")->value, "4") << "what comes later has the tag, too";
}

TEST_F(swr_tiers, a_tag_wins_over_a_load_under_way) {
  ask(first_);
  values_.remove_by_tag("red", nullptr);
  ask(second_);
  texts::done completed = std::move(loads_.at(0));
  completed(loaded<std::string>{.value = "old", .tags = {"red"}});
  EXPECT_EQ(value_of(first_), "old");
  EXPECT_FALSE(second_.has_value()) << "who asked after the removal must not get that";
  EXPECT_FALSE(values_.peek("k").has_value());
  ASSERT_EQ(loads_.size(), 2U);
  complete(1, "new");
  EXPECT_EQ(value_of(second_), "new");
}

TEST_F(swr_tiers, clear_reaches_other_processes_through_the_tiers) {
  set("v");
  values_.clear(nullptr);
  EXPECT_FALSE(values_.peek("k").has_value());
  values_.get("k", {}, {}, into(first_));
  EXPECT_FALSE(first_->has_value());
  texts other(settings(make_tiers()));
  other.get("k", {}, {}, into(second_));
  EXPECT_FALSE(second_->has_value());
  set("new");
  ask(other, third_);
  EXPECT_EQ(value_of(third_), "new");
}

TEST_F(swr_tiers, a_call_that_does_not_write_to_a_tier_does_not_promote_into_it) {
  set("v");
  near_->entries.clear();
  texts other(settings(make_tiers()));
  ask(other, first_, {.skip_write = tier_set::tier(0)});
  EXPECT_EQ(value_of(first_), "v");
  EXPECT_TRUE(near_->entries.empty());
}

TEST_F(swr_tiers, a_name_is_free_when_its_cache_is_gone) {
  auto shorter = std::make_unique<texts>(settings(below_, "name"));
  far_->park(true);
  ask(*shorter, first_);  // its flight goes on
  shorter.reset();
  texts next(settings(below_, "name"));
  next.remove("k", nullptr);
  far_->park(false);
  while (far_->parked() > 0) far_->let_go(0);
  ASSERT_EQ(loads_.size(), 1U);
  complete(0, "v");
  EXPECT_EQ(value_of(first_), "v");
  EXPECT_FALSE(far_->entries.contains("name:k")) << "the one that has the name removed it";
}

class swr_delayed_tiers : public swr_tiers {
 protected:
  std::shared_ptr<tiers> make_delayed(std::size_t pending_writes_max = 10'000) {
    return tiers::make({.tiers = {{.below = near_,
                                   .write_delay_ms = 2'000,
                                   .pending_writes_max = pending_writes_max}},
                        .time = &time_,
                        .timer = &timer_,
                        .random = &random_});
  }
  void set_in(texts& values, const std::string& key, std::string value) {
    values.set(key, {.value = std::move(value)}, {}, nullptr);
  }
  std::shared_ptr<tiers> delayed_ = make_delayed();
  texts::options_type delayed_settings_ = settings(delayed_);
};

TEST_F(swr_delayed_tiers, a_tier_gets_the_newest_of_what_is_set_all_the_time) {
  texts values(delayed_settings_);
  for (int round = 0; round < 100; ++round) {
    set_in(values, "k", std::to_string(round));
    advance(milliseconds(10));
  }
  EXPECT_EQ(near_->sets, 0U);
  EXPECT_FALSE(delayed_->is_settled());
  values.get("k", {.skip_read = tier_set::memory()}, {}, into(first_));
  EXPECT_EQ(value_of(first_), "99") << "what waits is found";
  advance(milliseconds(1'000));
  EXPECT_EQ(near_->sets, 1U);
  EXPECT_TRUE(delayed_->is_settled());
  texts other(settings(make_tiers()));
  ask(other, second_);
  EXPECT_EQ(value_of(second_), "99");
  set_in(values, "k", "last");
  advance(milliseconds(2'000));
  EXPECT_EQ(near_->sets, 2U) << "and again after the next delay";
}

TEST_F(swr_delayed_tiers, removals_do_not_wait) {
  texts values(delayed_settings_);
  set_in(values, "k", "v");
  delayed_->flush();
  EXPECT_EQ(near_->entries.size(), 1U);
  set_in(values, "k", "w");
  values.remove("k", nullptr);
  EXPECT_TRUE(near_->entries.empty());
  set_in(values, "k", "x");
  values.clear(nullptr);
  EXPECT_TRUE(near_->entries.contains("@cleared:texts"));
  advance(milliseconds(2'000));
  values.get("k", {}, {}, into(first_));
  EXPECT_FALSE(first_->has_value()) << "what was set before is not, whenever it is sent";
}

TEST_F(swr_delayed_tiers, nothing_waits_when_much_waits_already) {
  const auto below = make_delayed(40);
  texts values(settings(below, "many"));
  for (int key = 0; key < 100; ++key) set_in(values, std::to_string(key), "v");
  EXPECT_EQ(near_->sets, 90U);
  below->flush();
  EXPECT_EQ(near_->sets, 100U);
  EXPECT_EQ(below->stats().front().given_up, 0U);
}

TEST_F(swr_tiers, options_of_a_call_skip_places_and_give_tiers_other_times) {
  values_.set("k", {.value = "v"}, {.skip_write = tier_set::memory() | tier_set::tier(0)}, nullptr);
  EXPECT_FALSE(values_.peek("k").has_value());
  EXPECT_TRUE(near_->entries.empty());
  EXPECT_EQ(far_->entries.size(), 1U);
  values_.get("k", {.skip_read = tier_set::tier(1)}, {}, into(first_));
  EXPECT_FALSE(first_->has_value());

  const lifetimes longer{.fresh_ms = 100'000};
  values_.set("k", {.value = "long"}, {.keep_in_tiers = {std::nullopt, longer}}, nullptr);
  time_.advance(milliseconds(99'999));
  values_.get("k", {}, {}, into(second_));
  EXPECT_EQ(value_of(second_), "long");
}

TEST_F(swr_tiers, memory_asks_a_tier_that_keeps_entries_longer) {
  const lifetimes longer{.fresh_ms = 100'000};
  values_.set("k", {.value = "long"}, {.keep_in_tiers = {std::nullopt, longer}}, nullptr);
  near_->entries.clear();
  time_.advance(milliseconds(50'000));
  ask(first_);
  EXPECT_EQ(value_of(first_), "long");
  EXPECT_EQ((*first_)->state, freshness::fresh);
  time_.advance(milliseconds(999));
  EXPECT_EQ(values_.peek("k")->state, freshness::fresh);
  time_.advance(milliseconds(1));
  EXPECT_FALSE(values_.peek("k").has_value()) << "it is to be looked for again";
  EXPECT_TRUE(loads_.empty());
}

TEST_F(swr_tiers, absence_is_kept_apart_from_failure) {
  using maybe = cache<std::string, std::optional<std::string>>;
  maybe values({.name = "maybe",
                .keep = {.fresh_ms = 10'000},
                .keep_absent = lifetimes{.fresh_ms = 1'000},
                .below = below_,
                .time = &time_,
                .timer = &timer_});
  int loads = 0;
  const auto get = [&] {
    std::optional<result<answer<std::optional<std::string>>>> place;
    values.get_or_load(
        "k", {}, {},
        [&](maybe::done completed) {
          ++loads;
          completed(loaded<std::optional<std::string>>{.value = std::nullopt});
        },
        [&](auto what) { place = std::move(what); });
    return *std::move(place);
  };
  EXPECT_EQ(get()->value, std::nullopt);
  EXPECT_EQ(get()->value, std::nullopt);
  EXPECT_EQ(loads, 1);
  time_.advance(milliseconds(1'000));
  EXPECT_EQ(get()->value, std::nullopt);
  EXPECT_EQ(loads, 2) << "absence has a time of its own";
  maybe other({.name = "maybe", .below = make_tiers(), .time = &time_, .timer = &timer_});
  std::optional<result<answer<std::optional<std::string>>>> found;
  other.get("k", {}, {}, [&](auto what) { found = std::move(what); });
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->value, std::nullopt);
}

/// Stands for a log that knows which of its positions moved what.
class known_log final : public dependency_source {
 public:
  class part final : public dependency {
   public:
    explicit part(const known_log& of) : of_(of) {}
    [[nodiscard]] std::int64_t moved_at() const noexcept override { return of_.moved; }
    [[nodiscard]] std::optional<stored_dependency> stored() const override {
      return stored_dependency{.kind = depends_on::listed, .keys = {"events/**"}};
    }

   private:
    const known_log& of_;
  };
  [[nodiscard]] std::optional<std::uint64_t> epoch(std::int64_t computed_at) const override {
    return computed_at <= last ? std::optional(number) : std::nullopt;
  }
  [[nodiscard]] std::shared_ptr<const dependency> restore(const stored_dependency& which,
                                                          std::int64_t computed_at) override {
    const bool known = which.keys == std::vector<std::string>{"events/**"};
    return known && computed_at >= known_from ? std::make_shared<part>(*this) : nullptr;
  }
  std::uint64_t number = 7;
  std::int64_t last = 1'000;
  std::int64_t moved = 0;
  std::int64_t known_from = 0;
};

class swr_tiers_and_log : public swr_tiers {
 protected:
  texts make(const std::shared_ptr<known_log>& log) {
    auto how = settings(make_tiers());
    how.dependencies = log;
    return texts(how);
  }
  void fill(texts& values, std::int64_t position) {
    values.set("k",
               {.value = "v",
                .computed_at = position,
                .depends_on = std::make_shared<known_log::part>(*log_)},
               {}, nullptr);
  }
  std::shared_ptr<known_log> log_ = std::make_shared<known_log>();
};

TEST_F(swr_tiers_and_log, an_entry_is_valid_after_a_restart_while_nothing_moved) {
  texts before = make(log_);
  fill(before, 10);
  log_->moved = 10;
  texts after = make(log_);
  ask(after, first_);
  EXPECT_EQ(value_of(first_), "v");
  EXPECT_EQ((*first_)->state, freshness::fresh);
  EXPECT_EQ((*first_)->computed_at, 10);
}

TEST_F(swr_tiers_and_log, an_entry_is_out_of_date_after_a_restart_when_something_moved) {
  texts before = make(log_);
  fill(before, 10);
  log_->moved = 11;
  texts after = make(log_);
  ask(after, first_, {}, {.allow_stale = false});
  EXPECT_FALSE(first_.has_value()) << "it has to be computed anew";
  ASSERT_EQ(loads_.size(), 1U);
}

TEST_F(swr_tiers_and_log, an_entry_of_another_log_or_one_that_nobody_can_judge_is_none) {
  texts before = make(log_);
  fill(before, 10);
  const auto other = std::make_shared<known_log>();
  other->number = 8;
  texts elsewhere = make(other);
  elsewhere.get("k", {}, {}, into(first_));
  EXPECT_FALSE(first_->has_value());
  first_.reset();
  other->number = log_->number;
  other->last = 9;
  texts shorter = make(other);
  shorter.get("k", {}, {}, into(first_));
  EXPECT_FALSE(first_->has_value()) << "it does not reach that position";
  log_->known_from = 11;
  texts later = make(log_);
  later.get("k", {}, {}, into(second_));
  EXPECT_FALSE(second_->has_value());
  texts without(settings(make_tiers()));
  without.get("k", {}, {}, into(third_));
  EXPECT_FALSE(third_->has_value());
}

TEST_F(swr_tiers_and_log, what_cannot_be_judged_later_stays_in_memory) {
  class passing final : public dependency {
   public:
    [[nodiscard]] std::int64_t moved_at() const noexcept override { return 0; }
  };
  texts values = make(log_);
  values.set("k", {.value = "v", .depends_on = std::make_shared<passing>()}, {}, nullptr);
  EXPECT_TRUE(values.peek("k").has_value());
  EXPECT_FALSE(near_->entries.contains("texts:k"));
  EXPECT_FALSE(far_->entries.contains("texts:k"));
}

TEST_F(swr_tiers, options_that_cannot_be_are_named) {
  EXPECT_FALSE(find_mistake(settings(below_)));
  EXPECT_TRUE(find_mistake(settings(below_, "@tags")));
  EXPECT_TRUE(find_mistake(settings(below_, "")));
  auto negative = settings(below_);
  negative.keep.fresh_ms = -1;
  EXPECT_TRUE(find_mistake(negative));
}

}  // namespace
}  // namespace lodestar::swr
