// Goal: the users, their database and the draws are what the scenarios say.
#include "swr/users.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include <lodestar/base/random.hpp>

#include "support/report.hpp"

namespace lodestar::bench {
namespace {

TEST(bench_swr_users, have_keys_of_their_own) {
  const auto keys = make_user_keys(1'000);
  ASSERT_EQ(keys.size(), 1'000U);
  EXPECT_EQ(keys.front(), "user:0");
  EXPECT_EQ(keys.back(), "user:999");
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size());
}

TEST(bench_swr_users, come_back_from_their_bytes) {
  const user made = make_user(1'234);
  EXPECT_EQ(made.email, "user1234@example.com");
  EXPECT_EQ(made.score, 234U);
  std::string bytes;
  swr::codec<user>::encode(made, bytes);
  const auto back = swr::codec<user>::decode(bytes);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->id, made.id);
  EXPECT_EQ(back->name, made.name);
  EXPECT_EQ(back->email, made.email);
  EXPECT_EQ(back->score, made.score);
  EXPECT_FALSE(swr::codec<user>::decode("short").has_value());
}

TEST(bench_swr_users, are_drawn_from_the_hot_ones_four_times_in_five) {
  seeded_random random(1);
  std::size_t hot = 0;
  for (int draw = 0; draw < 100'000; ++draw) {
    const std::size_t id = draw_mixed(random);
    ASSERT_LT(id, mixed_users);
    if (id < mixed_hot_users) ++hot;
  }
  EXPECT_NEAR(static_cast<double>(hot), 80'000.0, 1'000.0);
}

TEST(bench_swr_users, come_from_a_database_that_counts_and_takes_its_time) {
  user_cache cache({.keep = {.fresh_ms = 3'600'000}});
  user_database at_once(0);
  read_user(cache, "user:1", 1, {}, at_once);
  read_user(cache, "user:1", 1, {}, at_once);
  EXPECT_EQ(at_once.loads(), 1U);
  user_database slow(20);
  const stopwatch time;
  read_user(cache, "user:2", 2, {}, slow);
  EXPECT_GE(time.seconds(), 0.02);
  EXPECT_EQ(slow.loads(), 1U);
  EXPECT_THROW(read_user(cache, "user:1", 7, {}, at_once), std::runtime_error) << "another user";
}

}  // namespace
}  // namespace lodestar::bench
