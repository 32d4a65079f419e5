// Ghosts: what is remembered, for how long, and how often a ghost is seen that is not there.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include <lodestar/cache/detail/ghost_table.hpp>

namespace lodestar::cache::detail {
namespace {

std::uint64_t hash_of(std::uint64_t key) {
  return spread_hash(key, 1);
}

TEST(ghost_table, knows_nothing_before_it_was_fitted) {
  ghost_table ghosts;
  ghosts.remember(hash_of(1), 0, 0);
  ghosts.sweep(0);
  EXPECT_EQ(ghosts.take(hash_of(1), 0), std::nullopt);
}

TEST(ghost_table, tells_the_age_once) {
  ghost_table ghosts;
  ghosts.fit(100);
  ghosts.remember(hash_of(1), 200, 3);
  EXPECT_EQ(ghosts.take(hash_of(2), 205), std::nullopt);
  EXPECT_EQ(ghosts.take(hash_of(1), 205), 8U);
  EXPECT_EQ(ghosts.take(hash_of(1), 205), std::nullopt);
}

TEST(ghost_table, forgets_what_is_too_old) {
  ghost_table ghosts;
  ghosts.fit(1);
  ghosts.remember(hash_of(1), 10, 0);
  ghosts.remember(hash_of(2), 10, ghost_table::age_epochs_max + 1);
  EXPECT_EQ(ghosts.take(hash_of(2), 10), std::nullopt);
  EXPECT_EQ(ghosts.take(hash_of(1), 10 + ghost_table::age_epochs_max + 1), std::nullopt);
}

TEST(ghost_table, sweeps_before_ages_become_ambiguous) {
  // Goal: 64 epochs later a ghost would look as if it were new.
  const std::uint32_t entries = 1'600;
  ghost_table ghosts;
  ghosts.fit(entries);
  for (std::uint64_t key = 0; key < 1'000; ++key) ghosts.remember(hash_of(key), 0, 0);
  for (std::uint32_t epoch = 0; epoch < 64; ++epoch) {
    for (std::uint32_t miss = 0; miss < entries / 16; ++miss) ghosts.sweep(epoch);
  }
  for (std::uint64_t key = 0; key < 1'000; ++key) {
    EXPECT_EQ(ghosts.take(hash_of(key), 64), std::nullopt);
  }
}

TEST(ghost_table, holds_nearly_two_ghosts_for_each_entry) {
  ghost_table ghosts;
  ghosts.fit(1'000);
  for (std::uint64_t key = 0; key < 2'000; ++key) {
    ghosts.remember(hash_of(key), static_cast<std::uint32_t>(key / 100), 0);
  }
  std::size_t found = 0;
  for (std::uint64_t key = 0; key < 2'000; ++key) {
    found += ghosts.take(hash_of(key), 20).has_value() ? 1U : 0U;
  }
  EXPECT_GT(found, 1'600U);
}

TEST(ghost_table, replaces_the_oldest) {
  ghost_table ghosts;
  ghosts.fit(1);  // one bucket
  for (std::uint32_t key = 0; key < 9; ++key) ghosts.remember(hash_of(key), key, 0);
  EXPECT_EQ(ghosts.take(hash_of(0), 9), std::nullopt);
  for (std::uint32_t key = 1; key < 9; ++key) EXPECT_EQ(ghosts.take(hash_of(key), 9), 9 - key);
}

TEST(ghost_table, seldom_sees_a_ghost_that_is_not_there) {
  ghost_table ghosts;
  ghosts.fit(10'000);
  for (std::uint64_t key = 0; key < 20'000; ++key) ghosts.remember(hash_of(key), 0, 0);
  std::size_t seen = 0;
  for (std::uint64_t key = 1'000'000; key < 1'100'000; ++key) {
    // take() forgets what it finds: put it back, so that the table stays full.
    if (!ghosts.take(hash_of(key), 0)) continue;
    ghosts.remember(hash_of(key), 0, 0);
    ++seen;
  }
  EXPECT_LT(seen, 1'000U);
}

TEST(ghost_table, keeps_its_ghosts_while_the_number_of_entries_varies_a_little) {
  ghost_table ghosts;
  ghosts.fit(1'000);
  ghosts.remember(hash_of(1), 0, 0);
  ghosts.fit(1'100);
  ghosts.fit(900);
  EXPECT_EQ(ghosts.take(hash_of(1), 0), 0U);
  ghosts.remember(hash_of(1), 0, 0);
  ghosts.fit(2'000);
  EXPECT_EQ(ghosts.take(hash_of(1), 0), std::nullopt);
}

TEST(ghost_table, forgets_all_when_cleared) {
  ghost_table ghosts;
  ghosts.fit(100);
  ghosts.remember(hash_of(1), 0, 0);
  ghosts.clear();
  EXPECT_EQ(ghosts.take(hash_of(1), 0), std::nullopt);
}

}  // namespace
}  // namespace lodestar::cache::detail
