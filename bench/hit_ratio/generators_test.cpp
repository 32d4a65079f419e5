// What the generated traces promise, and how their names are read.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>

#include "hit_ratio/generated_trace.hpp"
#include "hit_ratio/generators.hpp"
#include "hit_ratio/lru.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

using testing::HasSubstr;

std::map<std::uint64_t, std::size_t> counts(std::span<const std::uint64_t> keys) {
  std::map<std::uint64_t, std::size_t> found;
  for (const std::uint64_t key : keys) ++found[key];
  return found;
}

std::uint64_t most_frequent(std::span<const std::uint64_t> keys) {
  const auto found = counts(keys);
  return std::ranges::max_element(found, {}, [](const auto& each) { return each.second; })->first;
}

std::size_t keys_seen_once(const key_sequence& keys) {
  const auto found = counts(keys);
  return static_cast<std::size_t>(
      std::ranges::count_if(found, [](const auto& each) { return each.second == 1; }));
}

TEST(generators, the_seed_decides) {
  EXPECT_EQ(mixture(0.9, 100, 10, 1'000, 7), mixture(0.9, 100, 10, 1'000, 7));
  EXPECT_NE(mixture(0.9, 100, 10, 1'000, 7), mixture(0.9, 100, 10, 1'000, 8));
}

// Each of the ten most popular keys within five standard deviations of its share.
TEST(generators, zipf_has_its_frequencies) {
  constexpr std::size_t items = 1'000;
  constexpr std::size_t accesses = 200'000;
  constexpr double theta = 0.8;
  double sum = 0;
  for (std::size_t rank = 1; rank <= items; ++rank)
    sum += std::pow(static_cast<double>(rank), -theta);
  std::vector<std::size_t> found;
  for (const auto& [key, count] : counts(zipf(theta, items, accesses, 1))) found.push_back(count);
  std::ranges::sort(found, std::greater());
  EXPECT_LE(found.size(), items);
  for (std::size_t rank = 1; rank <= 10; ++rank) {
    const double wanted = accesses * std::pow(static_cast<double>(rank), -theta) / sum;
    EXPECT_NEAR(static_cast<double>(found[rank - 1]), wanted, 5 * std::sqrt(wanted)) << rank;
  }
}

TEST(generators, scans_are_never_seen_again) {
  const key_sequence keys = zipf_with_scans(2, 10, 300, 100, 4'000, 1);
  EXPECT_EQ(keys.size(), 4'000U);
  EXPECT_EQ(keys_seen_once(keys), 1'000U);
  EXPECT_EQ(counts(std::span(keys).subspan(300, 100)).size(), 100U);
}

TEST(generators, loops_repeat) {
  const key_sequence keys = loop(11, 100);
  EXPECT_EQ(counts(keys).size(), 11U);
  for (std::size_t at = 11; at < keys.size(); ++at) ASSERT_EQ(keys[at], keys[at - 11]);
}

TEST(generators, phases_change_what_is_popular) {
  const key_sequence keys = zipf_with_phases(1.2, 500, 2'000, 6'000, 1);
  std::set<std::uint64_t> favourites;
  for (const std::size_t phase : {0U, 1U, 2U})
    favourites.insert(most_frequent(std::span(keys).subspan(phase * 2'000, 2'000)));
  EXPECT_EQ(favourites.size(), 3U);
  EXPECT_LE(counts(keys).size(), 500U);
}

TEST(generators, mixtures_have_their_shares) {
  constexpr std::size_t accesses = 100'000;
  const key_sequence keys = mixture(1, 10, 7, accesses, 1);
  EXPECT_NEAR(static_cast<double>(keys_seen_once(keys)) / accesses, 0.2, 0.01);
  std::size_t looped = 0;
  const auto found = counts(keys);
  for (const std::uint64_t key : loop(7, 7)) looped += found.at(key);
  EXPECT_NEAR(static_cast<double>(looped) / accesses, 0.3, 0.01);
}

// The share of hits of an LRU of n entries is that of distances below n.
TEST(generators, recency_has_geometric_distances) {
  constexpr std::size_t accesses = 100'000;
  const trace made = make_trace("recency", recency(50, accesses, 1));
  for (const std::size_t entries : {10U, 50U, 200U}) {
    lru cache(entries, made.unique_keys);
    double hits = 0;
    for (const item each : made.numbers) hits += cache.access(each) ? 1 : 0;
    const double below = 1 - std::pow(50.0 / 51.0, static_cast<double>(entries));
    EXPECT_NEAR(hits / accesses, 0.8 * below, 0.01) << entries;
  }
}

TEST(generators, a_loop_stands_between_the_same_recency) {
  const key_sequence keys = recency_around_loop(20, 30, 7'000, 1);
  ASSERT_EQ(keys.size(), 7'000U);
  EXPECT_TRUE(std::ranges::equal(std::span(keys).first(1'000), std::span(keys).last(1'000)));
  EXPECT_TRUE(std::ranges::equal(std::span(keys).first(1'000), recency(20, 1'000, 1)));
  EXPECT_TRUE(std::ranges::equal(std::span(keys).subspan(1'000, 5'000), loop(30, 5'000)));
}

TEST(generated_trace, a_name_is_a_generator_with_its_arguments) {
  const auto made = make_generated("gen:loop:1011:100000");
  ASSERT_TRUE(made.has_value()) << made.error().describe();
  EXPECT_EQ(made->name, "gen:loop:1011:100000");
  EXPECT_EQ(made->keys, loop(1'011, 100'000));
  EXPECT_EQ(make_generated("gen:zipf:0.75:100:1000:9")->keys, zipf(0.75, 100, 1'000, 9));
  EXPECT_EQ(make_generated("gen:zipf_scans:1:100:20:10:1000")->keys,
            zipf_with_scans(1, 100, 20, 10, 1'000, 1));
  EXPECT_EQ(make_generated("gen:phases:1:100:20:1000")->keys,
            zipf_with_phases(1, 100, 20, 1'000, 1));
  EXPECT_EQ(make_generated("gen:mixture:1:100:20:1000")->keys, mixture(1, 100, 20, 1'000, 1));
  EXPECT_EQ(make_generated("gen:recency:10:1000")->keys, recency(10, 1'000, 1));
  EXPECT_EQ(make_generated("gen:recency_loop:10:20:700")->keys,
            recency_around_loop(10, 20, 700, 1));
}

TEST(generated_trace, a_wrong_name_says_what_is_wrong) {
  const auto explain = [](std::string_view name) {
    const auto made = make_generated(name);
    return made ? std::string() : made.error().describe();
  };
  EXPECT_THAT(explain("gen:lop:10:100"), HasSubstr("did you mean loop?"));
  EXPECT_THAT(explain("gen:"), HasSubstr("gen:mixture:THETA:ITEMS:LOOP:ACCESSES"));
  EXPECT_THAT(explain("gen:loop:10"), HasSubstr("write gen:loop:ITEMS:ACCESSES[:SEED]"));
  EXPECT_THAT(explain("gen:loop:10:100:1:1"), HasSubstr("4 arguments are given, 2 are needed"));
  EXPECT_THAT(explain("gen:loop:0:100"), HasSubstr("ITEMS is \"0\""));
  EXPECT_THAT(explain("gen:loop:10:99999999999"), HasSubstr("ACCESSES"));
  EXPECT_THAT(explain("gen:loop:10:100:x"), HasSubstr("SEED is \"x\""));
  for (const auto* theta : {"-1", "nan", "inf", "1e", ""})
    EXPECT_THAT(explain("gen:zipf:" + std::string(theta) + ":10:100"), HasSubstr("THETA")) << theta;
}

}  // namespace
}  // namespace lodestar::bench::hit_ratio
