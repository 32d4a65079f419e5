// For tests of a cache over tiers: a virtual clock, and two stores that answer when and as the test
// says.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/testing/steered_store.hpp>

namespace lodestar::swr {

using std::chrono::milliseconds;
using testing::steered_store;
using texts = cache<std::string, std::string>;
using outcome = result<answer<std::string>>;

class tiers_fixture : public ::testing::Test {
 protected:
  // A call that is parked holds the tiers, and they its store.
  void TearDown() override {
    for (const auto& each : {near_, far_}) {
      each->park(false);
      while (each->parked() > 0) each->let_go(0);
    }
  }

  std::shared_ptr<tiers> make_tiers() {
    return tiers::make({.tiers = {{.below = near_}, {.below = far_}},
                        .time = &time_,
                        .timer = &timer_,
                        .random = &random_});
  }
  texts::options_type settings(std::shared_ptr<tiers> below, std::string name = "texts") {
    return {.name = std::move(name),
            .keep = {.fresh_ms = 1'000, .stale_ms = 5'000, .fail_safe_ms = 60'000},
            .below = std::move(below),
            .time = &time_,
            .timer = &timer_,
            .random = &random_};
  }
  texts::loader parked() {
    return [this](texts::done completed) { loads_.push_back(std::move(completed)); };
  }
  static texts::handler into(std::optional<outcome>& place) {
    return [&place](outcome what) {
      ASSERT_FALSE(place.has_value()) << "a handler is called exactly once";
      place = std::move(what);
    };
  }
  void ask(texts& values, std::optional<outcome>& place, const call_options& how = {},
           const demand& wanted = {}) {
    values.get_or_load("k", how, wanted, parked(), into(place));
  }
  void ask(std::optional<outcome>& place) { ask(values_, place); }
  void complete(std::size_t load, std::string value) {
    texts::done completed = std::move(loads_.at(load));
    completed(loaded<std::string>{.value = std::move(value)});
  }
  void break_load(std::size_t load) {
    texts::done completed = std::move(loads_.at(load));
    completed(fail(error_code::unavailable, "no database"));
  }
  void set(std::string value) { values_.set("k", {.value = std::move(value)}, {}, nullptr); }
  static std::string value_of(const std::optional<outcome>& what) {
    if (!what) return "not answered";
    return *what ? (*what)->value : (*what).error().describe();
  }
  void advance(milliseconds by) {
    time_.advance(by);
    near_->expire();
    far_->expire();
    timer_.run_due();
  }

  manual_clock time_;
  manual_scheduler timer_{time_};
  seeded_random random_{1};
  std::shared_ptr<steered_store> near_ = std::make_shared<steered_store>(time_, "near");
  std::shared_ptr<steered_store> far_ = std::make_shared<steered_store>(time_, "far");
  std::shared_ptr<tiers> below_ = make_tiers();
  texts values_{settings(below_)};
  std::optional<outcome> first_, second_, third_;  // outlive the loads, which answer when they end
  std::vector<texts::done> loads_;
};

}  // namespace lodestar::swr
