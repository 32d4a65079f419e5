// Goal: the bounds hold: at every moment and exactly at rest, whatever many threads do; in memory;
// for keys whose hashes are equal; and for a cache that goes while it is used.
// LODESTAR_CHURN_SECONDS says how long threads write (1); LODESTAR_TEARDOWNS how often a cache goes
// while it is used (500).
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/cache.hpp>

#include "sanitized.hpp"
#include "thread_team.hpp"

namespace lodestar::cache {
namespace {

using numbers = cache<int, int>;
using std::chrono::seconds;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* const wanted = std::getenv(name);
  return wanted == nullptr ? otherwise : std::strtoull(wanted, nullptr, 10);
}

// --- size and weight

constexpr std::size_t bound = 1'000;
constexpr std::size_t writers = 8;

/// Writes few keys, again and again, until the time is over; another thread looks at the bound.
template <class Write>
void churn(numbers& values, Write&& write) {
  const auto end = std::chrono::steady_clock::now() + seconds(setting("LODESTAR_CHURN_SECONDS", 1));
  std::atomic<bool> done{false};
  std::size_t size_seen = 0, weight_seen = 0;
  thread_team team(writers + 1);
  team.run([&](std::size_t me) {
    if (me == 0) {
      while (!done.load(std::memory_order_acquire)) {
        size_seen = std::max(size_seen, values.size());
        weight_seen = std::max(weight_seen, values.weight());
      }
      return;
    }
    small_random random(me);
    while (!done.load(std::memory_order_acquire)) {
      for (int times = 0; times < 100; ++times) write(random);
      if (std::chrono::steady_clock::now() >= end) done.store(true, std::memory_order_release);
    }
  });
  EXPECT_LE(size_seen, bound);
  EXPECT_LE(weight_seen, bound);
  values.validate();
}

int key_of_few(small_random& random) {
  return static_cast<int>(random.below(3 * static_cast<std::uint32_t>(bound)));
}

TEST(cache_bounds, the_size_is_never_above_the_bound_and_at_rest_equals_it) {
  numbers values({.entries_max = bound});
  churn(values, [&](small_random& random) {
    const int key = key_of_few(random);
    switch (random.below(8)) {
      case 0: return static_cast<void>(values.remove(key));
      case 1: return static_cast<void>(values.get(key));
      case 2:
        return static_cast<void>(values.compute(key, [](const int* present) {
          return present != nullptr ? std::nullopt : std::optional(1);
        }));
      default: return static_cast<void>(values.insert(key, key));
    }
  });
  for (int key = 0; key < static_cast<int>(4 * bound); ++key) values.insert(key, key);
  EXPECT_EQ(values.size(), bound);
  values.validate();
}

TEST(cache_bounds, the_weight_is_never_above_the_bound) {
  numbers values({.weight_max = bound,
                  .weigher = [](int, int value) { return static_cast<std::size_t>(value); }});
  churn(values, [&](small_random& random) {
    const int key = key_of_few(random);
    const int weight = static_cast<int>(1 + random.below(random.below(50) == 0 ? 1'200 : 12));
    if (random.below(8) == 0) return static_cast<void>(values.remove(key));
    values.insert(key, weight);
  });
  for (int key = 0; key < static_cast<int>(4 * bound); ++key) values.insert(key, 1);
  EXPECT_EQ(values.weight(), bound);
  EXPECT_EQ(values.insert(-1, 0), outcome::inserted) << "what weighs nothing is always welcome";
  EXPECT_EQ(values.weight(), bound);
  values.validate();
}

// --- memory

std::size_t resident_bytes() {
  std::ifstream status("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  status >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(cache_bounds, memory_stays_within_a_quarter_of_the_weight_configured) {
  if (sanitized) GTEST_SKIP() << "the sanitizers need memory of their own";
  constexpr std::size_t configured = std::size_t{64} << 20U, value_bytes = 4'000;
  cache<int, std::string> values(
      {.weight_max = configured,
       .weigher = [](int, const std::string& value) { return value.capacity() + 1; }});
  const std::size_t before = resident_bytes();
  for (int key = 0; key < 100'000; ++key) values.insert(key, std::string(value_bytes, 'v'));
  EXPECT_GT(values.weight(), configured - 2 * value_bytes);
  EXPECT_LE(resident_bytes() - before, configured + configured / 4);
  values.validate();
}

// --- keys whose hashes are equal

struct hash_of_choice {
  /// Keys from `hostile` on meet in one place, whatever the cache's secret.
  static constexpr int hostile = 1'000'000;
  std::size_t operator()(int key) const { return static_cast<std::size_t>(std::min(key, hostile)); }
};

/// Nanoseconds within which 99 of 100 lookups of the keys 0 … 9,999 are answered; the best of some
/// tries, since the machine has other work to do.
template <class Cache>
double p99_of_get(Cache& values) {
  double best = std::numeric_limits<double>::max();
  for (int tries = 0; tries < 5; ++tries) {
    std::vector<double> times;
    for (int key = 0; key < 10'000; ++key) {
      const auto before = std::chrono::steady_clock::now();
      EXPECT_TRUE(values.get(key).has_value());
      times.push_back(
          std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - before)
              .count());
    }
    const auto place = times.begin() + static_cast<std::ptrdiff_t>(times.size() * 99 / 100);
    std::ranges::nth_element(times, place);
    best = std::min(best, *place);
  }
  return best;
}

TEST(cache_bounds, ten_thousand_colliding_keys_do_not_slow_the_others_down_tenfold) {
  using tested = cache<int, int, hash_of_choice>;
  tested normal({.entries_max = 20'000}), flooded({.entries_max = 20'000});
  for (int key = 0; key < 10'000; ++key) normal.insert(key, key);
  for (int key = 0; key < 10'000; ++key) flooded.insert(key, key);
  // Each of them meets all that came before.
  for (int key = 0; key < (sanitized ? 500 : 10'000); ++key) {
    normal.insert(10'000 + key, key);
    flooded.insert(hash_of_choice::hostile + key, key);
  }
  EXPECT_LT(p99_of_get(flooded), 10 * p99_of_get(normal));
  normal.validate();
}

// --- the end of a cache

TEST(cache_bounds, a_cache_may_go_during_loads_timers_and_listeners) {
  thread_pool pool("loads", 2, 64);
  for (std::uint64_t times = setting("LODESTAR_TEARDOWNS", 500); times > 0; --times) {
    manual_clock time;
    std::atomic<int> notified{0}, answered{0}, loaded_late{0};
    std::vector<completion<cache<int, std::string>>> open;
    {
      cache<int, std::string> values(
          {.entries_max = 4,
           .listener = [&](int, const std::string&, removal_cause) { ++notified; },
           .time_to_live = milliseconds(10),
           .refresh_after = milliseconds(1),
           .background = &pool,
           .time = &time});
      for (int key = 0; key < 6; ++key) values.insert(key, "a value that does not fit in place");
      time.advance(milliseconds(2));
      const auto load = [&](int) {
        ++loaded_late;
        return std::string("another value that does not fit in place");
      };
      for (int key = 0; key < 6; ++key) static_cast<void>(values.get_or_load(key, load));
      time.advance(milliseconds(30));
      for (int key = 6; key < 9; ++key) {
        values.load_async(
            key, [&](int, auto complete) { open.push_back(std::move(complete)); },
            [&](const auto&) { ++answered; });
      }
      values.insert(9, "one more");
    }
    for (auto& each : open) each(std::string("nobody's any more"));
    EXPECT_EQ(answered.load(), 3);
    EXPECT_GE(notified.load(), 2);
  }
  pool.stop();
}

}  // namespace
}  // namespace lodestar::cache
