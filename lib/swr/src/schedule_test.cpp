// Random schedules of events, loads, sets, removals and reads against a model that knows the truth
// at every position. Goal: nothing outdated is ever published, whatever the order in which loads
// complete. Each defence is also switched off once: the checker must then find a violation, else it
// could not have found one before.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <lodestar/swr/cache.hpp>

namespace lodestar::swr {
namespace {

constexpr int schedules = 50'000;
constexpr int canary_schedules_max = 2'000;
constexpr int steps = 40;
constexpr int keys = 2;

class movable : public dependency {
 public:
  [[nodiscard]] std::int64_t moved_at() const noexcept override { return at; }
  std::int64_t at = 0;
};

/// A value tells what the source said, and when (in steps of the schedule) the computation began.
struct reading {
  std::int64_t truth = 0;
  int begun = 0;
};

template <class Checks>
class schedule {
  using tested = cache<int, reading, std::hash<int>, std::equal_to<int>, Checks>;

 public:
  explicit schedule(std::uint32_t seed) : random_(seed) {
    for (auto& each : sources_) each.history[0] = 0;
  }

  /// The first violation, or an empty text.
  std::string run() {
    for (now_ = 1; now_ <= steps && violation_.empty(); ++now_) step();
    while (!parked_.empty()) complete();
    values_.validate();
    if (asked_ != answered_) violate("a caller got no answer or two");
    return violation_;
  }

 private:
  struct source {
    std::shared_ptr<movable> moves = std::make_shared<movable>();
    std::map<std::int64_t, std::int64_t> history;  // position → what is true from there on
    int superseded = 0;                            // step of the last set or remove
    std::int64_t newest_hit = 0;  // highest computed_at served from the cache since then
    steady_time newest_until;     // … by an entry that expires then, after which it is forgotten
    [[nodiscard]] std::int64_t at(std::int64_t position) const {
      return std::prev(history.upper_bound(position))->second;
    }
  };
  struct parked {
    typename tested::done completed;
    loaded<reading> content;
  };

  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }
  void violate(const std::string& what) {
    if (violation_.empty()) violation_ = what + " at step " + std::to_string(now_);
  }

  void step() {
    const int key = below(keys);
    switch (below(10)) {
      case 0:
      case 1: return append_event(key);
      case 2:
      case 3:
      case 4: return complete();
      case 5: return supersede(key);
      case 6: return time_.advance(milliseconds(below(30)));
      case 7:
        if (const auto served = values_.peek(key, {.keep = allowed_})) check_hit(key, *served, {});
        return;
      default: return ask(key);
    }
  }

  // As the feeder does: the tables first, then the dependencies.
  void append_event(int key) {
    source& changed = sources_[static_cast<std::size_t>(key)];
    ++position_;
    changed.history[position_] = position_ * 10;
    changed.moves->at = position_;
  }

  void supersede(int key) {
    source& changed = sources_[static_cast<std::size_t>(key)];
    changed.superseded = now_;
    changed.newest_hit = 0;
    if (below(2) == 0) {
      values_.remove(key, nullptr);
    } else {
      values_.set(key, content_as_of(key, position_), {.keep = allowed_}, nullptr);
    }
  }

  loaded<reading> content_as_of(int key, std::int64_t position) {
    const source& read = sources_[static_cast<std::size_t>(key)];
    return {.value = {.truth = read.at(position), .begun = now_},
            .computed_at = position,
            .depends_on = read.moves};
  }

  demand random_demand() {
    demand wanted;
    if (below(3) == 0) wanted.position_min = below(static_cast<int>(position_) + 1);
    if (below(4) == 0) wanted.position_max = wanted.position_min + below(4);
    wanted.allow_stale = below(2) == 0;
    wanted.bypass = below(8) == 0;
    return wanted;
  }

  void ask(int key) {
    const demand wanted = random_demand();
    ++asked_;
    const int began = now_;
    const int superseded = sources_[static_cast<std::size_t>(key)].superseded;
    values_.get_or_load(
        key, {.keep = allowed_}, wanted,
        [this, key, wanted](typename tested::done completed) {
          parked_.push_back(
              {std::move(completed), content_as_of(key, std::min(position_, wanted.position_max))});
          if (below(6) == 0) complete();  // perhaps this one, inside its own call
        },
        [this, key, wanted, began, superseded](result<answer<reading>> what) {
          ++answered_;
          if (what) check(key, *what, wanted, began, superseded);
          if (!what && what.error().code != error_code::cancelled) violate(what.error().describe());
        });
  }

  void complete() {
    if (parked_.empty()) return;
    const auto chosen = parked_.begin() + below(static_cast<int>(parked_.size()));
    parked taken = std::move(*chosen);
    parked_.erase(chosen);
    if (below(10) == 0) return;  // the loader gives up
    taken.completed(std::move(taken.content));
  }

  void check(int key, const answer<reading>& given, const demand& wanted, int began,
             int superseded) {
    const source& asked = sources_[static_cast<std::size_t>(key)];
    const bool current = asked.moves->at <= given.computed_at;
    if (given.value.truth != asked.at(given.computed_at))
      violate("a value that was never true at its position");
    if (given.computed_at > wanted.position_max) violate("position_max exceeded");
    if (!current && given.computed_at < wanted.position_min) violate("position_min not met");
    if (given.value.begun < superseded) violate("a value from before a set or remove");
    if (wanted.bypass && given.value.begun < began) violate("a bypass got an older computation");
    if (given.hit) check_hit(key, given, wanted);
  }

  void check_hit(int key, const answer<reading>& given, const demand& wanted) {
    source& asked = sources_[static_cast<std::size_t>(key)];
    const bool exact =
        given.computed_at == wanted.position_max || asked.moves->at <= given.computed_at;
    if (given.state == freshness::fresh && !exact) violate("an outdated entry passed for fresh");
    if (given.state != freshness::fresh && !wanted.allow_stale)
      violate("stale served against the demand");
    if (given.value.begun < asked.superseded) violate("an entry from before a set or remove");
    if (given.computed_at < asked.newest_hit && time_.now() < asked.newest_until)
      violate("an older entry took a newer one's place");
    asked.newest_hit = given.computed_at;
    asked.newest_until = time_.now() + milliseconds(allowed_.fresh_ms + allowed_.stale_ms) -
                         milliseconds(given.age_ms);
  }

  std::mt19937 random_;
  manual_clock time_;
  manual_scheduler timer_{time_};
  tested values_{{.weight_max = 100, .time = &time_, .timer = &timer_}};
  lifetimes allowed_{.fresh_ms = 60, .stale_ms = 40};
  std::array<source, keys> sources_;
  std::vector<parked> parked_;
  std::int64_t position_ = 0;
  int now_ = 0;
  int asked_ = 0;
  int answered_ = 0;
  std::string violation_;
};

template <class Checks>
std::string first_violation(int count) {
  for (int seed = 1; seed <= count; ++seed) {
    const std::string violation = schedule<Checks>(static_cast<std::uint32_t>(seed)).run();
    if (!violation.empty()) return "seed " + std::to_string(seed) + ": " + violation;
  }
  return {};
}

struct without_dependency : detail::all_checks {
  static constexpr bool dependency_moved = false;
};
struct without_superseding : detail::all_checks {
  static constexpr bool superseded = false;
};
struct without_newest_wins : detail::all_checks {
  static constexpr bool newest_wins = false;
};

TEST(swr_schedule, publishes_nothing_outdated) {
  EXPECT_EQ(first_violation<detail::all_checks>(schedules), "");
}

TEST(swr_schedule_canary, sees_a_missing_dependency_check) {
  EXPECT_NE(first_violation<without_dependency>(canary_schedules_max), "");
}

TEST(swr_schedule_canary, sees_a_missing_generation_check) {
  EXPECT_NE(first_violation<without_superseding>(canary_schedules_max), "");
}

TEST(swr_schedule_canary, sees_an_older_result_in_a_newer_ones_place) {
  EXPECT_NE(first_violation<without_newest_wins>(canary_schedules_max), "");
}

}  // namespace
}  // namespace lodestar::swr
