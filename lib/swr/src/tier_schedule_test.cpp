// Random schedules of a cache over two tiers that answer late, in any order, with errors, and with
// errors although they did what they were told, against a model that knows when each key was
// changed. Goal: nobody who asks after a set, a removal, a removed tag or a clear gets what was
// computed before it, from memory, from a tier, or from a flight. Each defence is also switched off
// once: the checker must then find a violation, else it could not have found one before.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/testing/steered_store.hpp>

namespace lodestar::swr {
namespace {

using testing::steered_store;

constexpr int parts = 10;
constexpr int schedules_each = 5'000;
constexpr int steps = 60;
constexpr int keys = 3;
const std::string tag = "tag";

/// A value is the number of the step in which its computation began.
template <class Checks>
class tier_schedule {
  using tested = cache<int, std::int64_t, std::hash<int>, std::equal_to<int>, Checks>;

 public:
  explicit tier_schedule(std::uint32_t seed) : random_(seed) {}

  /// The first violation, or an empty text.
  std::string run() {
    for (now_ = 1; now_ <= steps && violation_.empty(); ++now_) step();
    finish();
    return violation_;
  }

 private:
  struct parked_load {
    typename tested::done completed;
    std::int64_t begun;
    int key;
  };

  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }
  void violate(const std::string& what) {
    if (violation_.empty()) violation_ = what + " at step " + std::to_string(now_);
  }

  void step() {
    const int key = below(keys);
    switch (below(14)) {
      case 0: return set(key);
      case 1: return remove(key);
      case 2: return remove_tag();
      case 3:
        if (below(4) == 0) clear();
        return;
      case 4:
      case 5: return complete_load();
      case 6:
      case 7:
      case 8: return let_store_go();
      case 9: return advance(below(40));
      case 10: return change_mood();
      default: return ask(key);
    }
  }

  void set(int key) {
    values_->set(key, content(key, now_), {}, nullptr);
    changed_at_[at(key)] = now_;
  }
  void remove(int key) {
    values_->remove(key, nullptr);
    changed_at_[at(key)] = now_;
  }
  void remove_tag() {
    values_->remove_by_tag(tag, nullptr);
    changed_at_[0] = now_;
  }
  void clear() {
    values_->clear(nullptr);
    changed_at_.fill(now_);
  }
  // Only the first key has the tag.
  static loaded<std::int64_t> content(int key, std::int64_t begun) {
    return {.value = begun,
            .tags = key == 0 ? std::vector<std::string>{tag} : std::vector<std::string>{}};
  }
  static std::size_t at(int key) { return static_cast<std::size_t>(key); }

  void ask(int key) {
    const std::int64_t not_before = changed_at_[at(key)];
    const bool loads = below(5) != 0;
    ++asked_;
    auto reply = [this, not_before](const result<answer<std::int64_t>>& what) {
      ++answered_;
      if (what && what->value < not_before)
        violate("a value of step " + std::to_string(what->value) + " after the change of step " +
                std::to_string(not_before));
    };
    demand wanted;
    wanted.allow_stale = below(3) != 0;
    wanted.bypass = below(10) == 0;
    if (!loads) return values_->get(key, {}, wanted, std::move(reply));
    values_->get_or_load(
        key, {.soft_timeout_ms = 20, .eager_refresh = 0.5}, wanted,
        [this, key](typename tested::done completed) {
          parked_.push_back({std::move(completed), now_, key});
          if (below(6) == 0) complete_load();  // perhaps this one, inside its own call
        },
        std::move(reply));
  }

  void complete_load() {
    if (parked_.empty()) return;
    const auto chosen = parked_.begin() + below(static_cast<int>(parked_.size()));
    parked_load taken = std::move(*chosen);
    parked_.erase(chosen);
    switch (below(8)) {
      case 0: return;  // the loader gives up
      case 1: return taken.completed(fail(error_code::unavailable, "no"));
      default: return taken.completed(content(taken.key, taken.begun));
    }
  }

  void let_store_go() {
    steered_store& chosen = *stores_[at(below(2))];
    if (chosen.parked() == 0) return;
    const auto which = static_cast<std::size_t>(below(static_cast<int>(chosen.parked())));
    const int how = below(8);
    chosen.let_go(which, how == 0   ? steered_store::ending::refused
                         : how == 1 ? steered_store::ending::lost_answer
                                    : steered_store::ending::done);
  }

  void change_mood() {
    steered_store& chosen = *stores_[at(below(2))];
    chosen.park(below(2) == 0);
    chosen.set_down(below(4) == 0);
    // What the file has lost is lost; nobody may notice but by missing it.
    if (below(4) == 0) {
      std::erase_if(chosen.entries,
                    [](const auto& each) { return each.first.starts_with("numbers:"); });
    }
  }

  void advance(int ms) {
    time_.advance(milliseconds(ms));
    for (const auto& each : stores_) each->expire();
    timer_.run_due();
  }

  void finish() {
    for (const auto& each : stores_) {
      each->park(false);
      each->set_down(false);
    }
    for (int round = 0; round < 4; ++round) {
      while (!parked_.empty()) complete_load();
      for (const auto& each : stores_) {
        while (each->parked() > 0) each->let_go(0);
      }
      advance(1'000);
    }
    values_->validate();
    if (asked_ != answered_) violate("a caller got no answer or two");
    if (!below_->is_settled()) violate("writes wait for tiers that work");
    // All that the tiers have is of after the last change.
    values_.reset();
    values_ = make();
    for (int key = 0; key < keys; ++key) {
      values_->get(key, {}, {}, [this, key](const result<answer<std::int64_t>>& what) {
        if (what && what->value < changed_at_[at(key)]) violate("a tier has what was changed");
      });
    }
  }

  std::unique_ptr<tested> make() {
    return std::make_unique<tested>(
        typename tested::options_type{.name = "numbers",
                                      .weight_max = 2,  // fewer than keys
                                      .keep = {.fresh_ms = 60, .stale_ms = 60, .fail_safe_ms = 100},
                                      .fail_safe_throttle_ms = 30,
                                      .load_ms_max = 300,
                                      .below = below_,
                                      .time = &time_,
                                      .timer = &timer_,
                                      .random = &draws_});
  }

  std::mt19937 random_;
  manual_clock time_;
  manual_scheduler timer_{time_};
  seeded_random draws_{1};
  std::array<std::shared_ptr<steered_store>, 2> stores_{std::make_shared<steered_store>(time_),
                                                        std::make_shared<steered_store>(time_)};
  std::shared_ptr<tiers> below_ =
      tiers::make({.tiers = {{.below = stores_[0], .pending_writes_max = 4},
                             {.below = stores_[1], .shared = true}},
                   .recovery_delay_ms = 100,
                   .time = &time_,
                   .timer = &timer_,
                   .random = &draws_});
  std::unique_ptr<tested> values_ = make();
  std::vector<parked_load> parked_;
  std::array<std::int64_t, keys> changed_at_{};  // steps
  std::int64_t now_ = 0;
  int asked_ = 0;
  int answered_ = 0;
  std::string violation_;
};

template <class Checks>
std::string first_violation(int part) {
  for (int seed = part * schedules_each + 1; seed <= (part + 1) * schedules_each; ++seed) {
    const std::string violation = tier_schedule<Checks>(static_cast<std::uint32_t>(seed)).run();
    if (!violation.empty()) return "seed " + std::to_string(seed) + ": " + violation;
  }
  return {};
}

struct without_superseding : detail::all_checks {
  static constexpr bool superseded = false;
};
struct without_tags : detail::all_checks {
  static constexpr bool tags = false;
};

class swr_tier_schedule : public ::testing::TestWithParam<int> {};

TEST_P(swr_tier_schedule, publishes_nothing_from_before_a_change) {
  EXPECT_EQ(first_violation<detail::all_checks>(GetParam()), "");
}

INSTANTIATE_TEST_SUITE_P(part, swr_tier_schedule, ::testing::Range(0, parts));

TEST(swr_tier_schedule_canary, sees_a_missing_generation_check) {
  EXPECT_NE(first_violation<without_superseding>(0), "");
}

TEST(swr_tier_schedule_canary, sees_a_missing_tag_check) {
  EXPECT_NE(first_violation<without_tags>(0), "");
}

}  // namespace
}  // namespace lodestar::swr
