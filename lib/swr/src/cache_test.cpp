// The contract of the stale-while-revalidate cache, one promise per test, on a virtual clock and
// with loaders that complete when the test says so. schedule_test.cpp explores interleavings,
// threads_test.cpp runs real threads.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/bytes.hpp>
#include <lodestar/swr/cache.hpp>

namespace lodestar::swr {
namespace {

using numbers = cache<std::string, int>;
using outcome = result<answer<int>>;

class movable : public dependency {
 public:
  [[nodiscard]] std::int64_t moved_at() const noexcept override { return at_.load(); }
  void move(std::int64_t position) { at_ = position; }

 private:
  std::atomic<std::int64_t> at_{0};
};

class swr_cache : public testing::Test {
 protected:
  void TearDown() override { values_.validate(); }

  /// A loader that waits in loads_ until the test completes it.
  numbers::loader parked() {
    return [this](numbers::done completed) { loads_.push_back(std::move(completed)); };
  }
  numbers::handler into(std::optional<outcome>& place) {
    return [&place](outcome what) {
      ASSERT_FALSE(place.has_value()) << "a handler is called exactly once";
      place = std::move(what);
    };
  }
  void ask(std::optional<outcome>& place, const demand& wanted = {}) {
    values_.get_or_load("k", {.keep = allowed_}, wanted, parked(), into(place));
  }
  void complete(std::size_t load, int value, std::int64_t computed_at = 0) {
    numbers::done completed = std::move(loads_.at(load));
    completed(loaded<int>{.value = value, .computed_at = computed_at, .depends_on = moves_});
  }
  void fill(int value, std::int64_t computed_at = 0) {
    values_.set("k", {.value = value, .computed_at = computed_at, .depends_on = moves_},
                {.keep = allowed_}, nullptr);
  }

  manual_clock time_;
  manual_scheduler timer_{time_};
  numbers values_{{.weight_max = 100, .time = &time_, .timer = &timer_}};
  std::shared_ptr<movable> moves_ = std::make_shared<movable>();
  lifetimes allowed_;
  std::vector<numbers::done> loads_;
  std::optional<outcome> first_, second_, third_;
};

TEST(swr_cache_example, of_the_header) {
  cache<std::string, shared_bytes> pages({.weight_max = 64u << 20});
  std::string sent;
  pages.get_or_load(
      "/", {.keep = lifetimes{.fresh_ms = 1'000, .stale_ms = 60'000}}, {},
      [](auto done) { done(loaded<shared_bytes>{.value = shared_bytes("<p>"), .weight = 3}); },
      [&sent](const result<answer<shared_bytes>>& page) {
        ASSERT_TRUE(page.has_value());
        sent = page->value.view();
      });
  EXPECT_EQ(sent, "<p>");
}

TEST_F(swr_cache, loads_once_and_then_hits) {
  ask(first_);
  EXPECT_FALSE(first_.has_value());
  complete(0, 7, 3);
  ASSERT_TRUE(first_.has_value() && first_->has_value());
  EXPECT_EQ((*first_)->value, 7);
  EXPECT_EQ((*first_)->computed_at, 3);
  EXPECT_FALSE((*first_)->hit);
  EXPECT_FALSE((*first_)->coalesced);
  EXPECT_EQ((*first_)->state, freshness::fresh);
  time_.advance(milliseconds(1'500));
  ask(second_);
  EXPECT_TRUE((*second_)->hit);
  EXPECT_EQ((*second_)->age_ms, 1'500);
  EXPECT_EQ(loads_.size(), 1U);
  const auto counted = values_.stats();
  EXPECT_EQ(counted.hits, 1U);
  EXPECT_EQ(counted.misses, 1U);
  EXPECT_EQ(counted.loads, 1U);
  EXPECT_EQ(counted.entries, 1U);
}

TEST_F(swr_cache, coalesces_a_stampede) {
  for (const int callers : {10, 100, 1'000}) {
    const std::string key = std::to_string(callers);
    int answered = 0;
    int coalesced = 0;
    int begun = 0;
    std::optional<numbers::done> completed;
    for (int caller = 0; caller < callers; ++caller) {
      values_.get_or_load(
          key, {}, {},
          [&](numbers::done given) {
            ++begun;
            completed.emplace(std::move(given));
          },
          [&](outcome what) {
            ++answered;
            EXPECT_EQ(what->value, 5);
            coalesced += what->coalesced ? 1 : 0;
          });
    }
    EXPECT_EQ(answered, 0);
    (*completed)(loaded<int>{.value = 5});
    EXPECT_EQ(begun, 1);
    EXPECT_EQ(answered, callers);
    EXPECT_EQ(coalesced, callers - 1);
  }
}

TEST_F(swr_cache, gives_an_error_to_everybody_and_does_not_keep_it) {
  ask(first_);
  ask(second_);
  loads_.at(0)(fail(error_code::unavailable, "no database"));
  for (const auto& each : {first_, second_}) {
    ASSERT_TRUE(each.has_value() && !each->has_value());
    EXPECT_EQ(each->error().code, error_code::unavailable);
  }
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
  ask(third_);
  complete(1, 1);
  EXPECT_TRUE(third_->has_value());
  EXPECT_EQ(values_.stats().load_errors, 1U);
}

TEST_F(swr_cache, answers_cancelled_when_the_loader_gives_up) {
  ask(first_);
  ask(second_);
  loads_.clear();
  EXPECT_EQ(first_->error().code, error_code::cancelled);
  EXPECT_EQ(second_->error().code, error_code::cancelled);
  ask(third_);
  EXPECT_EQ(loads_.size(), 1U) << "the key is not stuck";
  complete(0, 1);
  EXPECT_TRUE(third_->has_value());
}

TEST_F(swr_cache, answers_cancelled_when_the_loader_drops_done_at_once) {
  values_.get_or_load("k", {}, {}, [](numbers::done) {}, into(first_));
  EXPECT_EQ(first_->error().code, error_code::cancelled);
}

TEST_F(swr_cache, answers_internal_when_the_loader_throws) {
  values_.get_or_load(
      "k", {}, {}, [](numbers::done) { throw std::runtime_error("broken"); }, into(first_));
  EXPECT_EQ(first_->error().code, error_code::internal);
  EXPECT_NE(first_->error().message.find("broken"), std::string::npos);
  values_.get_or_load("k", {}, {}, [](numbers::done) { throw 7; }, into(second_));
  EXPECT_EQ(second_->error().code, error_code::internal);
}

TEST_F(swr_cache, keeps_the_first_answer_of_a_loader_that_answers_and_throws) {
  values_.get_or_load(
      "k", {}, {},
      [](numbers::done completed) {
        completed(loaded<int>{.value = 3});
        throw std::runtime_error("late");
      },
      into(first_));
  EXPECT_EQ((*first_)->value, 3);
  // The other order: it hands `done` on, throws, and somebody completes later.
  values_.get_or_load(
      "other", {}, {},
      [this](numbers::done completed) {
        loads_.push_back(std::move(completed));
        throw std::runtime_error("early");
      },
      into(second_));
  EXPECT_EQ(second_->error().code, error_code::internal);
  complete(0, 4);
  EXPECT_FALSE(values_.peek("other", {}).has_value());
}

TEST_F(swr_cache, survives_ten_thousand_bad_loaders) {
  int answered = 0;
  for (int round = 0; round < 10'000; ++round) {
    values_.get_or_load(
        "k", {}, {},
        [round](numbers::done completed) {
          if (round % 3 == 0) throw std::runtime_error("no");
          if (round % 3 == 1) completed(fail(error_code::internal, "no"));
        },
        [&answered](outcome what) {
          EXPECT_FALSE(what.has_value());
          ++answered;
        });
  }
  EXPECT_EQ(answered, 10'000);
  EXPECT_EQ(values_.stats().load_errors, 10'000U);
}

TEST_F(swr_cache, refuses_a_loader_that_asks_for_its_own_key) {
  values_.get_or_load(
      "k", {}, {},
      [this](numbers::done completed) {
        ask(second_);
        completed(loaded<int>{.value = 1});
      },
      into(first_));
  EXPECT_EQ(second_->error().code, error_code::invalid_argument);
  EXPECT_TRUE(first_->has_value());
  EXPECT_TRUE(loads_.empty());
}

TEST_F(swr_cache, lets_a_loader_ask_for_another_key_and_a_handler_for_the_same) {
  values_.get_or_load(
      "k", {}, {},
      [this](numbers::done completed) {
        values_.get_or_load(
            "inner", {}, {}, [](numbers::done inner) { inner(loaded<int>{.value = 20}); },
            [outer = std::move(completed)](outcome inner) mutable {
              outer(loaded<int>{.value = inner->value + 1});
            });
      },
      [this](outcome what) {
        first_ = std::move(what);
        values_.get_or_load("k", {}, {.bypass = true}, parked(), into(second_));
      });
  EXPECT_EQ((*first_)->value, 21);
  complete(0, 30);
  EXPECT_EQ((*second_)->value, 30);
}

TEST_F(swr_cache, serves_stale_and_revalidates_once) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 5'000};
  fill(1);
  time_.advance(milliseconds(1'000));
  for (auto* place : {&first_, &second_}) {
    ask(*place);
    ASSERT_TRUE(place->has_value());
    EXPECT_EQ((**place)->state, freshness::stale);
    EXPECT_TRUE((**place)->hit);
    EXPECT_EQ((**place)->value, 1);
  }
  EXPECT_EQ(loads_.size(), 1U);
  complete(0, 2);
  ask(third_);
  EXPECT_EQ((*third_)->state, freshness::fresh);
  EXPECT_EQ((*third_)->value, 2);
  EXPECT_EQ(values_.stats().stale_hits, 2U);
}

TEST_F(swr_cache, revalidates_once_under_ten_thousand_stale_hits) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 5'000};
  fill(1);
  time_.advance(milliseconds(1'000));
  for (int hit = 0; hit < 10'000; ++hit) {
    std::optional<outcome> place;
    ask(place);
    ASSERT_EQ((*place)->state, freshness::stale);
  }
  EXPECT_EQ(loads_.size(), 1U);
  complete(0, 2);
}

TEST_F(swr_cache, begins_again_after_a_revalidation_that_throws) {
  const call_options keep{.keep = lifetimes{.fresh_ms = 0, .stale_ms = duration_ms_unlimited}};
  int begun = 0;
  const auto stale_hit = [&] {
    std::optional<outcome> place;
    values_.get_or_load(
        "k", keep, {},
        [&begun](const numbers::done&) {
          ++begun;
          throw std::runtime_error("no");
        },
        into(place));
    EXPECT_EQ((*place)->state, freshness::stale);
  };
  values_.set("k", {.value = 1}, keep, nullptr);
  stale_hit();
  EXPECT_EQ(begun, 1);
  time_.advance(milliseconds(100));
  stale_hit();
  EXPECT_EQ(begun, 2);
  values_.validate();
}

// Its age counts from the beginning of the computation, whoever waits for how long.
TEST_F(swr_cache, is_not_made_younger_by_those_who_wait) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 5'000};
  ask(first_);
  time_.advance(milliseconds(900));
  ask(second_);
  time_.advance(milliseconds(50));
  complete(0, 1);
  EXPECT_EQ((*first_)->age_ms, 950);
  EXPECT_EQ((*second_)->age_ms, 950);
  time_.advance(milliseconds(50));
  ask(third_);
  EXPECT_EQ((*third_)->state, freshness::stale);
  EXPECT_EQ(loads_.size(), 2U);
  complete(1, 2);
}

TEST_F(swr_cache, does_not_revalidate_what_was_refreshed_meanwhile) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 5'000};
  fill(1);
  time_.advance(milliseconds(1'000));
  values_.get_or_load("k", {.keep = allowed_}, {}, parked(), [this](const outcome& what) {
    EXPECT_EQ(what->state, freshness::stale);
    fill(2);  // somebody is faster
  });
  EXPECT_TRUE(loads_.empty());
}

TEST_F(swr_cache, waits_when_the_entry_has_expired) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 5'000};
  fill(1);
  time_.advance(milliseconds(5'999));
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->state, freshness::stale);
  time_.advance(milliseconds(1));
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
  ask(first_);
  EXPECT_FALSE(first_.has_value());
  complete(0, 2);
  EXPECT_EQ((*first_)->value, 2);
}

TEST_F(swr_cache, joins_a_revalidation_when_the_entry_expires_meanwhile) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 1'000};
  fill(1);
  time_.advance(milliseconds(1'500));
  ask(first_);
  time_.advance(milliseconds(1'000));
  ask(second_);
  EXPECT_FALSE(second_.has_value());
  EXPECT_EQ(loads_.size(), 1U);
  complete(0, 2);
  EXPECT_EQ((*second_)->value, 2);
  EXPECT_TRUE((*second_)->coalesced);
}

TEST_F(swr_cache, waits_when_the_caller_does_not_take_stale) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 5'000};
  fill(1);
  time_.advance(milliseconds(2'000));
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}, {.allow_stale = false}).has_value());
  ask(first_, {.allow_stale = false});
  EXPECT_FALSE(first_.has_value());
  complete(0, 2);
  EXPECT_EQ((*first_)->value, 2);
}

TEST_F(swr_cache, backs_off_after_failed_revalidations) {
  allowed_ = {.fresh_ms = 0, .stale_ms = duration_ms_unlimited};
  fill(1);
  const auto stale_hit = [this] {
    std::optional<outcome> place;
    ask(place);
    EXPECT_EQ((*place)->state, freshness::stale);
  };
  stale_hit();
  loads_.at(0)(fail(error_code::unavailable, "down"));
  for (int round = 0; round < 50; ++round) stale_hit();
  EXPECT_EQ(loads_.size(), 1U);
  time_.advance(milliseconds(100));
  stale_hit();
  loads_.at(1)(fail(error_code::unavailable, "down"));
  time_.advance(milliseconds(199));
  stale_hit();
  EXPECT_EQ(loads_.size(), 2U) << "the delay doubles";
  // Whoever has to wait is not held up by it.
  ask(first_, {.allow_stale = false});
  EXPECT_EQ(loads_.size(), 3U);
  complete(2, 2);
  EXPECT_EQ((*first_)->value, 2);
}

TEST_F(swr_cache, measures_age_from_the_beginning_of_the_load) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 0};
  ask(first_);
  time_.advance(milliseconds(900));
  complete(0, 1);
  EXPECT_EQ((*first_)->age_ms, 900);
  time_.advance(milliseconds(99));
  EXPECT_TRUE(values_.peek("k", {.keep = allowed_}).has_value());
  time_.advance(milliseconds(1));
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
}

TEST_F(swr_cache, is_out_of_date_as_soon_as_a_dependency_moves) {
  fill(1, 10);
  moves_->move(10);
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->state, freshness::fresh);
  moves_->move(11);
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
  allowed_.stale_ms = 1'000;
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->state, freshness::stale);
}

TEST_F(swr_cache, counts_out_of_date_from_when_it_was_first_seen_moved) {
  allowed_.stale_ms = 1'000;
  fill(1, 10);
  moves_->move(11);
  time_.advance(milliseconds(60'000));
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->state, freshness::stale);
  time_.advance(milliseconds(999));
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->state, freshness::stale);
  time_.advance(milliseconds(1));
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
}

TEST_F(swr_cache, bounds_the_age_of_what_it_serves_when_fresh_ms_is_set) {
  allowed_ = {.fresh_ms = 1'000, .stale_ms = 1'000};
  fill(1, 10);
  moves_->move(11);
  time_.advance(milliseconds(2'000));
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
}

TEST_F(swr_cache, hands_out_but_does_not_trust_a_result_that_was_overtaken) {
  ask(first_);
  moves_->move(6);
  complete(0, 1, 5);
  ASSERT_TRUE(first_->has_value());
  EXPECT_EQ((*first_)->state, freshness::stale);
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
  ask(second_);
  complete(1, 2, 6);
  EXPECT_EQ((*second_)->state, freshness::fresh);
}

TEST_F(swr_cache, lets_set_win_over_a_load_under_way) {
  ask(first_);
  fill(50, 1);
  complete(0, 1, 9);
  EXPECT_EQ((*first_)->value, 1) << "who waited gets what was computed";
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->value, 50);
}

TEST_F(swr_cache, lets_remove_and_clear_win_over_a_load_under_way) {
  ask(first_);
  values_.remove("k", nullptr);
  ask(second_);
  EXPECT_EQ(loads_.size(), 2U) << "who comes after the removal must not get what began before";
  complete(0, 1);
  EXPECT_EQ((*first_)->value, 1);
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
  values_.clear(nullptr);
  complete(1, 2);
  EXPECT_EQ((*second_)->value, 2);
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
  ask(third_);
  complete(2, 3);
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->value, 3);
  values_.remove("k", nullptr);
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}).has_value());
}

TEST_F(swr_cache, never_replaces_a_newer_result_by_an_older_one) {
  fill(9, 9);
  moves_->move(10);
  ask(first_);
  complete(0, 5, 5);
  EXPECT_EQ((*first_)->value, 5);
  allowed_.stale_ms = 1'000;
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->value, 9);
}

TEST_F(swr_cache, position_min_is_met_by_a_current_entry) {
  fill(1, 10);
  EXPECT_TRUE(values_.peek("k", {.keep = allowed_}, {.position_min = 20}).has_value());
}

TEST_F(swr_cache, position_min_is_demanded_of_stale_entries_too) {
  allowed_.stale_ms = 1'000;
  fill(1, 10);
  moves_->move(11);
  EXPECT_TRUE(values_.peek("k", {.keep = allowed_}, {.position_min = 10}).has_value());
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}, {.position_min = 11}).has_value());
}

TEST_F(swr_cache, follows_a_flight_that_began_before_position_min_by_one_more) {
  ask(first_);
  moves_->move(8);
  ask(second_, {.position_min = 8});
  ask(third_, {.position_min = 8});
  EXPECT_EQ(loads_.size(), 1U);
  complete(0, 1, 5);
  EXPECT_EQ((*first_)->value, 1);
  EXPECT_FALSE(second_.has_value());
  EXPECT_EQ(loads_.size(), 2U) << "one follow-up for both";
  complete(1, 2, 8);
  EXPECT_EQ((*second_)->value, 2);
  EXPECT_FALSE((*second_)->coalesced);
  EXPECT_EQ((*third_)->value, 2);
  EXPECT_TRUE((*third_)->coalesced);
}

TEST_F(swr_cache, does_not_load_again_for_a_caller_whose_own_load_was_too_old) {
  moves_->move(8);
  ask(first_, {.position_min = 8});
  complete(0, 1, 5);
  ASSERT_TRUE(first_.has_value() && !first_->has_value());
  EXPECT_EQ(first_->error().code, error_code::unavailable);
  EXPECT_TRUE(loads_.size() == 1U);
}

TEST_F(swr_cache, position_max_refuses_newer_entries_and_flights) {
  fill(9, 9);
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}, {.position_max = 8}).has_value());
  EXPECT_TRUE(values_.peek("k", {.keep = allowed_}, {.position_max = 9}).has_value());
  values_.clear(nullptr);
  ask(first_);
  ask(second_, {.position_max = 4});
  complete(0, 9, 9);
  EXPECT_FALSE(second_.has_value());
  complete(1, 4, 4);
  EXPECT_EQ((*second_)->value, 4);
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->value, 9)
      << "the older result does not take the newer one's place";
}

TEST_F(swr_cache, position_max_of_its_own_load_exceeded_is_an_error) {
  ask(first_, {.position_max = 4});
  complete(0, 9, 9);
  EXPECT_EQ(first_->error().code, error_code::unsupported);
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->value, 9);
}

TEST_F(swr_cache, an_entry_computed_at_position_max_is_exact) {
  fill(1, 10);
  moves_->move(12);
  const auto exact = values_.peek("k", {.keep = allowed_},
                                  {.position_min = 10, .position_max = 10, .allow_stale = false});
  ASSERT_TRUE(exact.has_value());
  EXPECT_EQ(exact->state, freshness::fresh);
  EXPECT_FALSE(values_
                   .peek("k", {.keep = allowed_},
                         {.position_min = 10, .position_max = 11, .allow_stale = false})
                   .has_value());
}

TEST_F(swr_cache, refuses_an_empty_range_of_positions) {
  ask(first_, {.position_min = 5, .position_max = 4});
  EXPECT_EQ(first_->error().code, error_code::invalid_argument);
  EXPECT_TRUE(loads_.empty());
}

TEST_F(swr_cache, ends_the_wait_of_many_different_positions_one_flight_each) {
  std::vector<std::int64_t> got(1'000, -1);
  moves_->move(100'000);
  ask(first_);
  for (std::size_t index = 0; index < got.size(); ++index) {
    const auto position = static_cast<std::int64_t>(index);
    values_.get_or_load(
        "k", {}, {.position_min = position, .position_max = position},
        [this, position](numbers::done completed) {
          completed(loaded<int>{.value = 1, .computed_at = position, .depends_on = moves_});
        },
        [&got, index](const outcome& what) {
          got[index] = -2;
          if (what) got[index] = what->computed_at;
        });
  }
  complete(0, 1, 100'000);
  for (std::size_t index = 0; index < got.size(); ++index)
    EXPECT_EQ(got[index], static_cast<std::int64_t>(index));
  EXPECT_EQ(values_.stats().loads, 1'001U);
}

TEST_F(swr_cache, bypass_computes_anew_and_serves_everybody) {
  fill(1);
  EXPECT_FALSE(values_.peek("k", {.keep = allowed_}, {.bypass = true}).has_value());
  ask(first_, {.bypass = true});
  EXPECT_EQ(loads_.size(), 1U);
  complete(0, 2);
  EXPECT_EQ((*first_)->value, 2);
  EXPECT_EQ(values_.peek("k", {.keep = allowed_})->value, 2);
}

TEST_F(swr_cache, bypass_does_not_take_a_computation_that_began_before_it) {
  ask(first_);
  ask(second_, {.bypass = true});
  ask(third_, {.bypass = true});
  complete(0, 1);
  EXPECT_TRUE(first_.has_value());
  EXPECT_FALSE(second_.has_value());
  EXPECT_EQ(loads_.size(), 2U);
  complete(1, 2);
  EXPECT_EQ((*second_)->value, 2);
  EXPECT_EQ((*third_)->value, 2);
}

TEST_F(swr_cache, sends_the_unsatisfied_of_a_superseded_flight_to_its_successor) {
  ask(first_);
  ask(second_, {.bypass = true});
  values_.remove("k", nullptr);
  ask(third_);
  EXPECT_EQ(loads_.size(), 2U);
  complete(0, 1);
  EXPECT_TRUE(first_.has_value());
  EXPECT_FALSE(second_.has_value());
  EXPECT_EQ(loads_.size(), 2U);
  complete(1, 2);
  EXPECT_EQ((*second_)->value, 2);
  EXPECT_EQ((*third_)->value, 2);
}

TEST_F(swr_cache, keeps_the_weight_bound) {
  for (int index = 0; index < 30; ++index) {
    values_.set(std::to_string(index), {.value = index, .weight = 10}, {}, nullptr);
    EXPECT_LE(values_.stats().weight, 100U);
  }
  EXPECT_EQ(values_.stats().entries, 10U);
  EXPECT_EQ(values_.stats().evictions, 20U);
  values_.get_or_load(
      "big", {}, {},
      [](numbers::done completed) { completed(loaded<int>{.value = 1, .weight = 101}); },
      into(first_));
  EXPECT_TRUE(first_->has_value()) << "too heavy to keep is not too heavy to answer";
  EXPECT_FALSE(values_.peek("big", {}).has_value());
  EXPECT_EQ(values_.stats().refusals, 1U);
  values_.clear(nullptr);
  for (int index = 0; index < 200; ++index)
    values_.set(std::to_string(index), {.value = index, .weight = 0}, {}, nullptr);
  EXPECT_EQ(values_.stats().entries, 100U) << "a weight of 0 must not escape the bound";
}

TEST_F(swr_cache, may_be_destroyed_before_its_flights_end) {
  auto shorter = std::make_unique<numbers>(
      numbers::options_type{.weight_max = 10, .time = &time_, .timer = &timer_});
  shorter->get_or_load("k", {}, {}, parked(), into(first_));
  shorter.reset();
  complete(0, 4);
  EXPECT_EQ((*first_)->value, 4);
}

TEST(swr_cache_locks, destroys_values_and_calls_back_without_one) {
  struct caller {
    std::function<void()> call;
    ~caller() { call(); }
  };
  using calling = cache<int, std::shared_ptr<caller>>;
  manual_clock time;
  manual_scheduler timer(time);
  calling values({.weight_max = 2, .time = &time, .timer = &timer});
  int destroyed = 0;
  const auto make = [&] {
    return std::make_shared<caller>([&] {
      ++destroyed;
      values.validate();
    });
  };
  for (int key = 0; key < 5; ++key) values.set(key, {.value = make()}, {}, nullptr);
  values.set(4, {.value = make()}, {}, nullptr);
  values.remove(4, nullptr);
  values.get_or_load(
      3, {}, {.bypass = true},
      [&](auto done) { done(loaded<std::shared_ptr<caller>>{.value = make()}); },
      [&](auto what) { EXPECT_TRUE(what.has_value()); });
  values.clear(nullptr);
  EXPECT_EQ(destroyed, 7);
}

/// Counts what is read.
class counting_events final : public event_sink {
 public:
  void read(const read_event& event) override { ++(event.hit ? hits : misses); }
  void written(const write_event&) override {}
  void removed(const remove_event&) override {}
  int hits = 0, misses = 0;
};

TEST(swr_cache_events, a_read_is_told_once_also_by_who_looks_before_he_loads) {
  counting_events events;
  cache<int, int> values({.events = &events});
  const auto load = [](auto done) { done(loaded<int>{.value = 7}); };
  EXPECT_FALSE(values.peek_before_load(1, {}));
  values.get_or_load(1, {}, {}, load, [](auto what) { EXPECT_TRUE(what.has_value()); });
  EXPECT_EQ(events.misses, 1);
  EXPECT_TRUE(values.peek_before_load(1, {}));
  EXPECT_FALSE(values.peek(2));
  EXPECT_EQ(events.hits, 1);
  EXPECT_EQ(events.misses, 2);
}

TEST_F(swr_cache, peek_finds_nothing_where_memory_is_not_to_be_read) {
  fill(7);
  EXPECT_TRUE(values_.peek("k"));
  EXPECT_FALSE(values_.peek("k", {.skip_read = tier_set::memory()}));
}

}  // namespace
}  // namespace lodestar::swr
