// Several nodes that share a tier, in a deterministic simulation: concurrent writers whose clocks
// differ, outages of the shared tier, of the backplane, of both, for each node by itself, and nodes
// that start again with the file they had and are connected late. Goal:
// when everything works again, all nodes have the newest value of each key within the time that
// recovery takes, and what waits meanwhile is bounded. Canaries: without recovery, and without the
// distrust after an interruption of the backplane, the same check must fail.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/testing/steered_backplane.hpp>
#include <lodestar/swr/testing/steered_store.hpp>

#include "backplane_message.hpp"

namespace lodestar::swr {
namespace {

using testing::steered_backplane;
using testing::steered_store;
using numbers = cache<int, std::int64_t>;

constexpr int seeds = 50;
constexpr int steps = 400;
constexpr int keys = 4;
constexpr std::int64_t recovery_delay_ms = 2'000;

struct simulation_options {
  int nodes = 3;
  std::int64_t skew_ms_max = 0;
  bool recovers = true;
  bool tells_of_interruptions = true;
  bool restarts = false;
  /// When more wait, they are given up: then a value may be absent, but not an older one there.
  std::size_t pending_max = 1'000;
};

/// What a node finds again when it starts.
struct machine {
  manual_clock time;
  std::shared_ptr<steered_store::contents> file = std::make_shared<steered_store::contents>();
};

class node {
 public:
  node(const simulation_options& options, std::uint64_t number, machine& on,
       steered_backplane& plane, std::shared_ptr<steered_store::contents> shared,
       bool connected = true)
      : time(on.time),
        shared_(std::make_shared<steered_store>(time, "shared", std::move(shared))),
        local_(std::make_shared<steered_store>(time, "local", on.file)),
        plane_(plane.connect(connected)),
        below_(
            tiers::make({.tiers = {{.below = local_},
                                   {.below = shared_,
                                    .shared = true,
                                    .pending_writes_max = options.pending_max}},
                         .announcements = plane_,
                         .recovery_delay_ms = options.recovers ? recovery_delay_ms : 1'000'000'000,
                         .node = number,
                         .time = &time,
                         .timer = &timer_,
                         .random = &random_})),
        values_({.name = "numbers",
                 .keep = {.fresh_ms = 10'000'000},
                 .below = below_,
                 .time = &time,
                 .timer = &timer_,
                 .random = &random_}) {}

  /// When it was written, as everybody orders writes.
  write_stamp set(int key, std::int64_t value) {
    plane_->published.clear();
    values_.set(key, {.value = value}, {}, nullptr);
    return announced(key);
  }
  write_stamp remove(int key) {
    plane_->published.clear();
    values_.remove(key, nullptr);
    return announced(key);
  }
  [[nodiscard]] std::optional<std::int64_t> get(int key) {
    std::optional<std::int64_t> found;
    values_.get(key, {}, {}, [&](const result<answer<std::int64_t>>& what) {
      if (what) found = what->value;
    });
    return found;
  }

  void set_shared_up(bool up) { shared_->set_down(!up); }
  [[nodiscard]] steered_backplane::connection& plane() { return *plane_; }
  void advance(std::int64_t ms) {
    time.advance(milliseconds(ms));
    timer_.run_due();
  }
  [[nodiscard]] bool is_settled() const { return below_->is_settled(); }
  [[nodiscard]] std::size_t pending() const { return below_->stats().at(1).pending_writes; }

  manual_clock& time;

 private:
  [[nodiscard]] write_stamp announced(int key) const {
    for (const std::string& bytes : plane_->published) {
      const auto message = detail::decode_message(bytes);
      if (message && message->key == std::to_string(key) &&
          message->stamp.node == below_->stamps().node())
        return message->stamp;
    }
    ADD_FAILURE() << "a write that is not announced";
    return {};
  }

  manual_scheduler timer_{time};
  seeded_random random_{1};
  std::shared_ptr<steered_store> shared_;
  std::shared_ptr<steered_store> local_;
  std::shared_ptr<steered_backplane::connection> plane_;
  std::shared_ptr<tiers> below_;
  numbers values_;
};

class simulation {
 public:
  simulation(simulation_options options, std::uint32_t seed) : options_(options), random_(seed) {
    for (int number = 0; number < options_.nodes; ++number) {
      machines_.push_back(std::make_unique<machine>());
      nodes_.push_back(
          std::make_unique<node>(options_, ++last_number_, *machines_.back(), plane_, shared_));
      if (!options_.tells_of_interruptions) nodes_.back()->plane().keep_interruptions_secret();
      const std::int64_t skew_ms =
          options_.skew_ms_max == 0
              ? 0
              : below(static_cast<int>(2 * options_.skew_ms_max)) - options_.skew_ms_max;
      manual_clock& time = nodes_.back()->time;
      time.set_wall_us(time.wall_us() + skew_ms * 1'000);
    }
  }

  /// What is wrong at the end, or an empty text.
  std::string run() {
    for (int now = 0; now < steps && problem_.empty(); ++now) step();
    heal();
    return problem_;
  }

 private:
  struct newest {
    write_stamp stamp;
    std::optional<std::int64_t> value;  // nothing: removed
  };

  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }
  node& any_node() { return *nodes_[static_cast<std::size_t>(below(options_.nodes))]; }

  void step() {
    node& chosen = any_node();
    const int key = below(keys);
    switch (below(options_.restarts ? 13 : 12)) {
      case 0:
      case 1: {
        const std::int64_t value = ++last_value_;
        return note(key, {chosen.set(key, value), value});
      }
      case 2:
        // What was removed is known to nodes that run (tiers.hpp).
        if (options_.restarts) return;
        return note(key, {chosen.remove(key), std::nullopt});
      case 3:
      case 4: static_cast<void>(chosen.get(key)); return;
      case 5: chosen.set_shared_up(below(3) != 0); return;
      case 6: chosen.plane().set_connected(below(3) != 0); return;
      case 7: return advance(below(1'500));
      case 12: return start_again(static_cast<std::size_t>(below(options_.nodes)));
      default: return deliver_some();
    }
  }

  // What it has yet to tell others would be lost: then it is not asked to end.
  void start_again(std::size_t which) {
    if (!nodes_[which]->is_settled()) return;
    nodes_[which].reset();
    const bool at_once = options_.tells_of_interruptions && below(2) == 0;
    nodes_[which] = std::make_unique<node>(options_, ++last_number_, *machines_[which], plane_,
                                           shared_, at_once);
    if (!options_.tells_of_interruptions) nodes_[which]->plane().keep_interruptions_secret();
  }

  void note(int key, newest written) {
    newest& known = newest_[static_cast<std::size_t>(key)];
    if (known.stamp < written.stamp) known = written;
    for (const auto& each : nodes_) {
      if (each->pending() > options_.pending_max) problem_ = "more waits than may";
    }
  }

  void deliver_some() {
    for (int count = below(6); count > 0; --count) {
      steered_backplane::connection& plane = any_node().plane();
      if (plane.arriving() > 0) plane.deliver_one();
    }
  }

  void advance(std::int64_t ms) {
    for (const auto& each : nodes_) each->advance(ms);
  }

  void deliver_all() {
    for (bool any = true; any;) {
      any = false;
      for (const auto& each : nodes_) {
        while (each->plane().arriving() > 0) {
          each->plane().deliver_one();
          any = true;
        }
      }
    }
  }

  void heal() {
    for (const auto& each : nodes_) {
      each->set_shared_up(true);
      each->plane().set_connected(true);
    }
    // Everything works: from now on recovery has its delay, and a little for messages.
    for (int part = 0; part < 11; ++part) {
      deliver_all();
      advance(recovery_delay_ms / 10);
    }
    deliver_all();
    for (const auto& each : nodes_) check(*each);
  }

  void check(node& which) {
    for (int key = 0; key < keys; ++key) {
      const newest& expected = newest_[static_cast<std::size_t>(key)];
      const auto found = which.get(key);
      if (found == expected.value || !problem_.empty()) continue;
      if (!found && options_.pending_max < std::size_t{keys}) continue;
      problem_ = "key " + std::to_string(key) + " is " + text_of(found) + " and not " +
                 text_of(expected.value);
    }
    if (!which.is_settled() && problem_.empty()) problem_ = "writes wait though everything works";
  }
  static std::string text_of(const std::optional<std::int64_t>& value) {
    return value ? std::to_string(*value) : "absent";
  }

  const simulation_options options_;
  std::mt19937 random_;
  steered_backplane plane_;
  std::shared_ptr<steered_store::contents> shared_ = std::make_shared<steered_store::contents>();
  std::vector<std::unique_ptr<machine>> machines_;
  std::vector<std::unique_ptr<node>> nodes_;
  std::uint64_t last_number_ = 0;
  std::array<newest, keys> newest_{};
  std::int64_t last_value_ = 0;
  std::string problem_;
};

std::string first_problem(const simulation_options& options, int count = seeds) {
  for (int seed = 1; seed <= count; ++seed) {
    const std::string problem = simulation(options, static_cast<std::uint32_t>(seed)).run();
    if (!problem.empty()) return "seed " + std::to_string(seed) + ": " + problem;
  }
  return {};
}

TEST(swr_nodes, three_have_the_newest_value_after_outages) {
  EXPECT_EQ(first_problem({.nodes = 3}), "");
}

TEST(swr_nodes, ten_have_the_newest_value_after_outages) {
  EXPECT_EQ(first_problem({.nodes = 10}), "");
}

TEST(swr_nodes, clocks_that_differ_by_five_seconds_make_no_difference) {
  EXPECT_EQ(first_problem({.nodes = 3, .skew_ms_max = 5'000}), "");
}

TEST(swr_nodes, who_starts_again_with_an_old_file_believes_nothing_older) {
  EXPECT_EQ(first_problem({.nodes = 3, .restarts = true}), "");
}

TEST(swr_nodes, what_waits_is_bounded_and_nothing_older_is_there_for_it) {
  EXPECT_EQ(first_problem({.nodes = 3, .pending_max = 2}), "");
}

TEST(swr_nodes_canary, sees_a_missing_recovery) {
  EXPECT_NE(first_problem({.nodes = 3, .recovers = false}), "");
}

TEST(swr_nodes_canary, sees_a_node_that_believes_its_old_file) {
  EXPECT_NE(first_problem({.nodes = 3, .tells_of_interruptions = false, .restarts = true}), "");
}

TEST(swr_nodes_canary, sees_a_node_that_believes_what_it_held_while_it_heard_nothing) {
  EXPECT_NE(first_problem({.nodes = 3, .tells_of_interruptions = false}), "");
}

}  // namespace
}  // namespace lodestar::swr
