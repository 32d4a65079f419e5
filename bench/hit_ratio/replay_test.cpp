// Counting hits: in one thread, in several, and several cells at once.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "hit_ratio/generators.hpp"
#include "hit_ratio/replay.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

using testing::ElementsAre;

const progress nobody = [](std::size_t, std::size_t) {};

policy_list all() {
  policy_list kinds;
  for (const policy_kind& each : all_policies()) kinds.push_back(&each);
  return kinds;
}

/// Hits on the second access of a key, whichever thread makes it.
class remembers_all final : public policy {
 public:
  explicit remembers_all(std::size_t items) : seen_(items) {}
  bool access(std::uint64_t key) override { return seen_[key].exchange(true); }

 private:
  std::vector<std::atomic<bool>> seen_;
};

// Every access is made exactly once, whatever the number of threads does not divide.
TEST(replay, threads_share_the_accesses) {
  const policy_kind kind{.name = "remembers_all",
                         .online = true,
                         .numbered = false,
                         .make = [](std::size_t, const trace& accesses) -> std::unique_ptr<policy> {
                           return std::make_unique<remembers_all>(accesses.unique_keys);
                         }};
  key_sequence keys;
  for (std::uint64_t at = 0; at < 10'007; ++at) keys.push_back(at % 1'000);
  const trace accesses = make_trace("all", keys);
  for (const std::size_t threads : {1U, 2U, 3U, 8U})
    EXPECT_EQ(count_hits(kind, 1, accesses, threads), 9'007U) << threads;
}

/// Counts a hit for each access that comes in its turn, give or take one round of all threads.
class counts_near_turns final : public policy {
 public:
  explicit counts_near_turns(std::size_t slack) : slack_(slack) {}
  bool access(std::uint64_t key) override {
    const std::uint64_t turn = turn_++;
    return std::max(turn, key) - std::min(turn, key) < slack_;
  }

 private:
  std::size_t slack_;
  std::atomic<std::uint64_t> turn_{0};
};

TEST(replay, threads_stay_together) {
  const policy_kind kind{.name = "counts_near_turns",
                         .online = true,
                         .numbered = false,
                         .make = [](std::size_t capacity, const trace&) -> std::unique_ptr<policy> {
                           return std::make_unique<counts_near_turns>(capacity);
                         }};
  key_sequence keys(20'000);
  std::iota(keys.begin(), keys.end(), std::uint64_t{0});
  const trace accesses = make_trace("turns", keys);
  for (const std::size_t threads : {1U, 2U, 5U}) {
    EXPECT_EQ(count_hits(kind, threads * round_accesses, accesses, threads), keys.size())
        << threads;
  }
}

TEST(replay, the_cache_is_driven_from_several_threads) {
  const trace accesses = make_trace("zipf", zipf(0.9, 1'000, 20'000, 1));
  const policy_kind& lodestar = **find_policy("lodestar");
  const std::uint64_t alone = count_hits(lodestar, 200, accesses, 1);
  const std::uint64_t together = count_hits(lodestar, 200, accesses, 4);
  EXPECT_NEAR(static_cast<double>(together), static_cast<double>(alone), 0.05 * 20'000);
}

TEST(replay, jobs_change_nothing) {
  const trace accesses = make_trace("mixture", mixture(0.9, 300, 40, 5'000, 1));
  const std::vector<std::size_t> capacities{10, 50, 100};
  const auto one = measure(accesses, capacities, all(), {.threads = 1, .jobs = 1}, nobody);
  const auto four = measure(accesses, capacities, all(), {.threads = 1, .jobs = 4}, nobody);
  ASSERT_EQ(one.size(), 3U);
  for (std::size_t row = 0; row < one.size(); ++row) {
    EXPECT_EQ(one[row].capacity, capacities[row]);
    EXPECT_EQ(one[row].hits, four[row].hits);
  }
}

TEST(replay, progress_counts_every_cell) {
  const trace accesses = make_trace("loop", loop(10, 100));
  std::vector<std::size_t> told;
  const std::vector<std::size_t> capacities{1, 2};
  const auto rows = measure(accesses, capacities, {*find_policy("lru"), *find_policy("arc")},
                            {.jobs = 2}, [&](std::size_t done, std::size_t of) {
                              EXPECT_EQ(of, 4U);
                              told.push_back(done);
                            });
  EXPECT_EQ(rows.size(), 2U);
  EXPECT_THAT(told, ElementsAre(0, 1, 2, 3, 4));
}

TEST(replay, default_capacities_are_shares_of_the_keys) {
  EXPECT_THAT(default_capacities(10'000), ElementsAre(100, 200, 500, 1'000, 2'000, 5'000));
  EXPECT_THAT(default_capacities(10), ElementsAre(1, 2, 5));
  EXPECT_THAT(default_capacities(1), ElementsAre(1));
}

}  // namespace
}  // namespace lodestar::bench::hit_ratio
