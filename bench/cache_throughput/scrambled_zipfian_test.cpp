// Goal: the keys are distributed as the protocol says, not merely skewed somehow.
#include "cache_throughput/scrambled_zipfian.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace lodestar::bench {
namespace {

constexpr std::uint64_t items = 32'768 / 3;
constexpr std::size_t draws = 2'000'000;

/// How often each item is drawn.
std::vector<double> shares_of_items() {
  std::vector<double> shares(items);
  for (const auto key : draw_keys(draws, items, 7)) shares[key] += 1.0 / draws;
  return shares;
}

TEST(scrambled_zipfian, draws_popular_ranks_as_often_as_zipf_says) {
  const auto shares = shares_of_items();
  seeded_random unused(0);
  const scrambled_zipfian zipfian(items, unused);
  // What falls on an item beside its popular rank: all ranks beyond, spread evenly.
  const double tail = 1.0 / items;
  for (const std::uint64_t rank : {0U, 1U}) {
    const double expected = scrambled_zipfian::share_of(rank);
    EXPECT_NEAR(shares[zipfian.item_of(rank)], expected + 0.8 * tail, 0.02 * expected) << rank;
  }
  // The inversion is approximate from the third rank on.
  for (const std::uint64_t rank : {2U, 4U, 9U, 19U}) {
    const double expected = scrambled_zipfian::share_of(rank);
    EXPECT_NEAR(shares[zipfian.item_of(rank)], expected + 0.8 * tail, 0.25 * expected) << rank;
  }
}

TEST(scrambled_zipfian, spreads_the_unpopular_ranks_over_all_items) {
  auto shares = shares_of_items();
  std::ranges::sort(shares);
  // More than half of the draws are of ranks beyond the number of items: none is left out, and the
  // median item has about an even part of those.
  EXPECT_GT(shares.front(), 0.3 / items);
  EXPECT_NEAR(shares[items / 2], 0.65 / items, 0.15 / items);
}

TEST(scrambled_zipfian, draws_the_same_keys_for_the_same_seed) {
  const auto keys = draw_keys(1'000, items, 1);
  EXPECT_EQ(keys, draw_keys(1'000, items, 1));
  EXPECT_NE(keys, draw_keys(1'000, items, 2));
  EXPECT_LT(std::ranges::max(keys), items);
}

}  // namespace
}  // namespace lodestar::bench
