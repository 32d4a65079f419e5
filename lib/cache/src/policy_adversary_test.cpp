// Goal: no pattern of accesses, made for it or not, makes the cache much worse than LRU: its hit
// ratio, through its public interface, is at most one point lower on the same accesses; in loops it
// is near the optimum; and threads cost it nothing. Each takes about a second.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <hit_ratio/generators.hpp>
#include <hit_ratio/lodestar_cache.hpp>
#include <hit_ratio/lru.hpp>
#include <hit_ratio/trace.hpp>

#include "thread_team.hpp"

namespace lodestar::cache {
namespace {

using namespace bench::hit_ratio;

constexpr std::size_t capacity = 1'000;
constexpr std::size_t accesses = 400'000;

/// Percent.
double share(std::size_t hits, std::size_t of) {
  return 100.0 * static_cast<double>(hits) / static_cast<double>(of);
}

double hit_ratio_of_cache(const key_sequence& keys) {
  lodestar_cache tested(capacity);
  const auto hits = std::ranges::count_if(keys, [&](auto key) { return tested.access(key); });
  return share(static_cast<std::size_t>(hits), keys.size());
}

double hit_ratio_of_lru(const key_sequence& keys) {
  const trace numbered = make_trace("", keys);
  lru reference(capacity, numbered.unique_keys);
  const auto hits =
      std::ranges::count_if(numbered.numbers, [&](auto key) { return reference.access(key); });
  return share(static_cast<std::size_t>(hits), keys.size());
}

void expect_no_worse_than_lru(const key_sequence& keys, const std::string& pattern) {
  EXPECT_GE(hit_ratio_of_cache(keys), hit_ratio_of_lru(keys) - 1.0) << pattern;
}

TEST(cache_adversary, of_a_loop_it_hits_what_fits) {
  // The optimum hits the share of the loop that fits, in every round but the first.
  for (const std::size_t length : {capacity + 1, capacity + 50, 2 * capacity, 10 * capacity}) {
    const key_sequence keys = loop(length, 40 * length);
    const double best = share(capacity, length) * 39 / 40;
    EXPECT_GE(hit_ratio_of_cache(keys), best - 3.0) << length;
    EXPECT_EQ(hit_ratio_of_lru(keys), 0);
  }
}

TEST(cache_adversary, scans_do_not_displace_what_is_popular) {
  for (const std::size_t scan : {100U, 1'000U, 5'000U}) {
    expect_no_worse_than_lru(zipf_with_scans(0.9, 10'000, 2'000, scan, accesses, 1),
                             "scans of " + std::to_string(scan));
  }
}

TEST(cache_adversary, keys_seen_once_do_not_displace_what_is_popular) {
  for (const std::size_t flood : {1U, 4U})
    expect_no_worse_than_lru(zipf_with_scans(0.8, 5'000, 1, flood, accesses, 2),
                             "after each access so many keys seen once: " + std::to_string(flood));
}

TEST(cache_adversary, changes_of_what_is_popular_are_followed) {
  for (const std::size_t phase : {1'000U, 5'000U, 20'000U, 100'000U})
    expect_no_worse_than_lru(zipf_with_phases(1.0, 20'000, phase, accesses, 3),
                             "phases of " + std::to_string(phase));
}

TEST(cache_adversary, loops_and_recency_in_one_are_no_worse_than_with_lru) {
  for (const std::size_t length : {capacity * 11 / 10, 3 * capacity}) {
    expect_no_worse_than_lru(mixture(0.9, 10'000, length, accesses, 4),
                             "mixed with a loop of " + std::to_string(length));
    for (const std::size_t distance : {capacity / 8, capacity / 2})
      expect_no_worse_than_lru(recency_around_loop(distance, length, accesses, 5),
                               "around a loop of " + std::to_string(length));
  }
}

/// `period` accesses of one, as many of the other, and so on.
key_sequence alternating(const key_sequence& one, const key_sequence& other, std::size_t period) {
  key_sequence keys;
  for (std::size_t begin = 0; begin < std::min(one.size(), other.size()); begin += period) {
    for (const key_sequence* each : {&one, &other}) {
      const std::size_t end = std::min(begin + period, each->size());
      keys.insert(keys.end(), each->begin() + static_cast<std::ptrdiff_t>(begin),
                  each->begin() + static_cast<std::ptrdiff_t>(end));
    }
  }
  return keys;
}

TEST(cache_adversary, who_alternates_as_it_hurts_most_gains_nothing) {
  // A long run of each pattern teaches what the next one punishes.
  const key_sequence recent = recency(capacity / 4, accesses / 2, 6);
  const key_sequence looped = loop(capacity * 5 / 4, accesses / 2);
  for (std::size_t period = 250; period <= accesses / 4; period *= 3)
    expect_no_worse_than_lru(alternating(recent, looped, period),
                             "changes after " + std::to_string(period));
}

double hit_ratio_of_threads(std::size_t threads, const key_sequence& keys) {
  lodestar_cache tested(capacity);
  std::atomic<std::size_t> next{0}, hits{0};
  thread_team team(threads);
  team.run([&](std::size_t) {
    constexpr std::size_t lot = 16;
    std::size_t mine = 0;
    for (std::size_t begin = next.fetch_add(lot); begin < keys.size();
         begin = next.fetch_add(lot)) {
      const std::size_t end = std::min(begin + lot, keys.size());
      for (std::size_t index = begin; index < end; ++index)
        mine += tested.access(keys[index]) ? 1U : 0U;
    }
    hits.fetch_add(mine);
  });
  return share(hits.load(), keys.size());
}

TEST(cache_adversary, threads_do_not_change_the_hit_ratio) {
  const key_sequence keys = zipf(0.9, 10'000, 2 * accesses, 7);
  const double alone = hit_ratio_of_threads(1, keys);
  EXPECT_NEAR(hit_ratio_of_threads(2, keys), alone, 0.5);
  EXPECT_NEAR(hit_ratio_of_threads(8, keys), alone, 0.5);
}

}  // namespace
}  // namespace lodestar::cache
