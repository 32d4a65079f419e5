// Goal: evictions are measured on caches that do evict, and on no others.
#include "cache_throughput/eviction_run.hpp"

#include <gtest/gtest.h>

#include "cache_throughput/in_process_subject.hpp"
#include "cache_throughput/scrambled_zipfian.hpp"
#include "cache_throughput/sharded_lru.hpp"

namespace lodestar::bench {
namespace {

class unbounded_lru : public sharded_lru {
 public:
  explicit unbounded_lru(std::size_t entries_max) : sharded_lru(1'000 * entries_max) {}
};

class honest_table : public unbounded_lru {
 public:
  static constexpr bool evicts = false;
  using unbounded_lru::unbounded_lru;
};

template <class Store>
result<measured_eviction> run_one(unsigned threads, unsigned rounds) {
  const auto numbers =
      std::make_shared<const std::vector<std::uint64_t>>(draw_keys(key_count, item_count, 1));
  std::vector<participant> subjects;
  subjects.push_back(
      {role::peer, std::make_unique<in_process_subject<Store>>("one", "1", numbers)});
  return run_evictions(threads, rounds, std::chrono::milliseconds(2), subjects);
}

TEST(eviction_run, times_every_call_of_every_thread) {
  const auto measured = run_one<sharded_lru>(2, 3);
  ASSERT_TRUE(measured) << measured.error().describe();
  const auto& done = measured->subjects.front();
  ASSERT_TRUE(done);
  // A thread does 256 of each at least.
  EXPECT_GE(done->inserts.count(), 2U * 3 * 256);
  EXPECT_EQ(done->gets.count(), done->inserts.count());
  EXPECT_GE(done->seconds, 0.006);
  EXPECT_GT(done->inserts.quantile(0.5), 0U);
}

TEST(eviction_run, finds_the_keys_that_are_in_use_in_an_lru) {
  const auto measured = run_one<sharded_lru>(1, 1);
  ASSERT_TRUE(measured) << measured.error().describe();
  const auto& done = *measured->subjects.front();
  EXPECT_EQ(done.hits, done.gets.count());
}

TEST(eviction_run, leaves_out_what_evicts_nothing) {
  const auto measured = run_one<honest_table>(1, 1);
  ASSERT_TRUE(measured) << measured.error().describe();
  EXPECT_FALSE(measured->subjects.front());
}

TEST(eviction_run, fails_when_a_cache_outgrows_its_bound) {
  const auto measured = run_one<unbounded_lru>(1, 1);
  ASSERT_FALSE(measured);
  EXPECT_EQ(measured.error().place, "one");
}

}  // namespace
}  // namespace lodestar::bench
