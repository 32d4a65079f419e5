// The eviction policy in a minimal cache: its bounds and invariants, and the patterns of access
// that it must be good at. Hit ratios are compared with those of LRU on the same accesses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <list>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lodestar/cache/detail/policy.hpp>

namespace lodestar::cache::detail {
namespace {

struct entry {
  std::uint64_t key = 0;
  std::uint64_t weight = 0;
  slot_number newer = no_slot;
  slot_number older = no_slot;
  std::uint8_t uses = 0;
  std::uint8_t region = 0;
};

/// How often the policy asked for anything: the measure of its work.
struct entry_store {
  std::vector<entry> entries;
  mutable std::size_t reads = 0;
};

class store_records {
 public:
  explicit store_records(entry_store& store) : store_(&store) {}
  [[nodiscard]] slot_number newer(slot_number slot) const { return at(slot).newer; }
  [[nodiscard]] slot_number older(slot_number slot) const { return at(slot).older; }
  void set_newer(slot_number slot, slot_number to) { at(slot).newer = to; }
  void set_older(slot_number slot, slot_number to) { at(slot).older = to; }
  [[nodiscard]] std::uint8_t region(slot_number slot) const { return at(slot).region; }
  void set_region(slot_number slot, std::uint8_t byte) { at(slot).region = byte; }
  [[nodiscard]] std::uint8_t uses(slot_number slot) const { return at(slot).uses; }
  void set_uses(slot_number slot, std::uint8_t count) { at(slot).uses = count; }
  // As bad as a hash can be.
  [[nodiscard]] std::uint64_t hash(slot_number slot) const { return at(slot).key; }
  [[nodiscard]] std::uint64_t weight(slot_number slot) const { return at(slot).weight; }

 private:
  [[nodiscard]] entry& at(slot_number slot) const {
    ++store_->reads;
    return store_->entries.at(slot);
  }
  entry_store* store_;
};

/// A cache of nothing but keys. It keeps the bound exactly, and records one of `record_every` hits
/// that the policy samples: the rest was lost on the way.
class key_cache {
 public:
  explicit key_cache(std::uint64_t capacity, std::uint64_t seed = 1, unsigned record_every = 1)
      : record_every_(record_every),
        sample_of_hits_(seed),
        policy_(store_records(store_), capacity, sample_of_hits_) {}

  /// Looks the key up and inserts it when it is absent; true when it was there.
  bool access(std::uint64_t key, std::uint64_t weight = 1) {
    if (const auto found = slots_.find(key); found != slots_.end()) {
      entry& hit = store_.entries[found->second];
      if (hit.uses < uses_max) ++hit.uses;
      if (sample_of_hits_.samples(key) && ++sampled_ % record_every_ == 0) policy_.record_hit(key);
      return true;
    }
    if (weight > policy_.capacity()) return false;
    const slot_number slot = take_slot();
    store_.entries[slot] = {.key = key, .weight = weight};
    slots_.emplace(key, slot);
    policy_.insert(slot);
    keep_bound();
    return false;
  }

  void erase(std::uint64_t key) {
    const auto found = slots_.find(key);
    if (found == slots_.end()) return;
    policy_.erase(found->second);
    free_.push_back(found->second);
    slots_.erase(found);
  }

  void reweigh(std::uint64_t key, std::uint64_t weight) {
    const auto found = slots_.find(key);
    if (found == slots_.end() || weight > policy_.capacity()) return;
    const std::uint64_t before = std::exchange(store_.entries[found->second].weight, weight);
    policy_.reweigh(found->second, before);
    keep_bound();
  }

  void resize(std::uint64_t capacity) {
    policy_.resize(capacity);
    keep_bound();
  }

  void clear() {
    policy_.clear();
    for (const auto& [key, slot] : slots_) free_.push_back(slot);
    slots_.clear();
  }

  [[nodiscard]] bool contains(std::uint64_t key) const { return slots_.contains(key); }
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  [[nodiscard]] std::uint64_t weight() const { return policy_.weight(); }
  [[nodiscard]] std::size_t reads() const { return store_.reads; }
  [[nodiscard]] bool samples(std::uint64_t key) const { return sample_of_hits_.samples(key); }
  [[nodiscard]] const std::vector<std::uint64_t>& evicted() const { return evicted_; }
  /// Of the oldest and the newest of each region, with their heat.
  [[nodiscard]] std::size_t look_at(std::size_t entries) const {
    std::size_t heat = 0;
    policy_.visit_oldest(entries, [&](slot_number slot) { heat += policy_.heat(slot); });
    policy_.visit_newest(entries, [&](slot_number slot) { heat += policy_.heat(slot); });
    return heat;
  }

  void validate() const {
    policy_.validate();
    ASSERT_EQ(policy_.size(), slots_.size());
    ASSERT_LE(policy_.weight(), policy_.capacity());
  }

 private:
  slot_number take_slot() {
    if (free_.empty()) {
      store_.entries.emplace_back();
      return static_cast<slot_number>(store_.entries.size() - 1);
    }
    const slot_number slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void keep_bound() {
    while (policy_.weight() > policy_.capacity()) {
      const slot_number victim = policy_.evict();
      ASSERT_NE(victim, no_slot);
      evicted_.push_back(store_.entries[victim].key);
      slots_.erase(store_.entries[victim].key);
      free_.push_back(victim);
    }
  }

  unsigned record_every_;
  std::size_t sampled_ = 0;
  entry_store store_;
  std::unordered_map<std::uint64_t, slot_number> slots_;
  std::vector<slot_number> free_;
  std::vector<std::uint64_t> evicted_;
  hit_sample sample_of_hits_;
  policy<store_records> policy_;
};

class lru_cache {
 public:
  explicit lru_cache(std::size_t capacity) : capacity_(capacity) {}
  bool access(std::uint64_t key) {
    const auto found = places_.find(key);
    if (found != places_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return true;
    }
    if (order_.size() == capacity_) {
      places_.erase(order_.back());
      order_.pop_back();
    }
    order_.push_front(key);
    places_[key] = order_.begin();
    return false;
  }

 private:
  std::size_t capacity_;
  std::list<std::uint64_t> order_;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> places_;
};

using trace = std::vector<std::uint64_t>;

template <class Cache>
double hit_ratio(Cache&& cache, const trace& accesses) {
  std::size_t hits = 0;
  for (const std::uint64_t key : accesses) hits += cache.access(key) ? 1U : 0U;
  return static_cast<double>(hits) / static_cast<double>(accesses.size());
}

void append(trace& to, const trace& from) {
  to.insert(to.end(), from.begin(), from.end());
}

trace loop(std::uint64_t first, std::uint64_t keys, std::size_t accesses) {
  trace result;
  for (std::size_t each = 0; each < accesses; ++each) result.push_back(first + each % keys);
  return result;
}

/// Popularity falls as 1/rank; rank 1 is key `first`.
trace zipf(std::uint64_t first, std::size_t keys, std::size_t accesses, std::uint64_t seed) {
  std::vector<double> weights;
  for (std::size_t rank = 1; rank <= keys; ++rank) {
    weights.push_back(1 / static_cast<double>(rank));
  }
  std::discrete_distribution<std::uint64_t> distribution(weights.begin(), weights.end());
  std::mt19937_64 random(seed);
  trace result;
  for (std::size_t each = 0; each < accesses; ++each)
    result.push_back(first + distribution(random));
  return result;
}

/// The sooner after its last access, the likelier is a key: what LRU is made for. A quarter of the
/// accesses bring new keys.
trace recency(std::uint64_t first, std::size_t distance, std::size_t accesses, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> ago(1 / static_cast<double>(distance));
  trace result;
  std::uint64_t next = first;
  for (std::size_t each = 0; each < accesses; ++each) {
    const auto back = static_cast<std::uint64_t>(ago(random)) + 1;
    result.push_back(each % 4 == 0 || back > next - first ? next++ : next - back);
  }
  return result;
}

TEST(policy, survives_any_sequence_of_calls) {
  // Goal: no sequence of calls breaks an invariant, at any capacity, with weights of all kinds.
  for (const std::uint64_t capacity : {1U, 2U, 3U, 4U, 10U, 100U, 1'000U}) {
    key_cache cache(capacity);
    std::mt19937_64 random(capacity);
    for (int step = 0; step < 30'000; ++step) {
      const std::uint64_t key = random() % (2 * capacity + 1);
      const std::uint64_t weight = random() % 8 == 0 ? 1 + random() % capacity : 1;
      switch (random() % 32) {
        case 0: cache.erase(key); break;
        case 1: cache.reweigh(key, weight); break;
        case 2:
          if (step % 100 == 0) cache.resize(1 + random() % (2 * capacity));
          break;
        case 3:
          if (step % 500 == 0) cache.clear();
          break;
        default: cache.access(key, weight);
      }
      if (step % 64 == 0 || capacity < 10) cache.validate();
    }
  }
}

TEST(policy, keeps_what_was_just_inserted) {
  // Goal: whoever inserts a key and reads it at once finds it, even in a cache of one entry.
  for (const std::uint64_t capacity : {1U, 2U, 3U, 4U, 50U}) {
    key_cache cache(capacity);
    std::mt19937_64 random(7);
    for (int step = 0; step < 5'000; ++step) {
      const std::uint64_t key = random() % (3 * capacity);
      const bool heavy = random() % 4 == 0;
      cache.access(key, heavy ? capacity : 1);
      ASSERT_TRUE(cache.contains(key)) << "capacity " << capacity << ", step " << step;
    }
    cache.validate();
  }
}

TEST(policy, keeps_what_was_just_reweighed) {
  key_cache cache(10);
  for (std::uint64_t key = 0; key < 10; ++key) cache.access(key);
  cache.reweigh(0, 10);
  EXPECT_TRUE(cache.contains(0));
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.weight(), 10U);
  cache.validate();
}

TEST(policy, evicts_nothing_while_there_is_room) {
  key_cache cache(1'000);
  for (const std::uint64_t key : zipf(0, 1'000, 50'000, 1)) cache.access(key);
  EXPECT_TRUE(cache.evicted().empty());
  cache.validate();
}

TEST(policy, hits_a_part_of_a_loop_that_does_not_fit) {
  // Goal: nearly the share that fits, from the second round on; LRU and FIFO never hit.
  for (const std::uint64_t capacity : {100U, 500U, 5'000U}) {
    for (const std::uint64_t keys : {capacity + capacity / 20, 2 * capacity, 4 * capacity}) {
      const trace accesses = loop(0, keys, 20 * keys);
      key_cache cache(capacity);
      const double best =
          static_cast<double>(capacity) / static_cast<double>(keys) * 19 / 20;  // all but the first
      EXPECT_GT(hit_ratio(cache, accesses), 0.96 * best) << capacity << " of " << keys;
      EXPECT_EQ(hit_ratio(lru_cache(capacity), accesses), 0);
      cache.validate();
    }
  }
}

TEST(policy, follows_recency_like_lru) {
  for (const std::size_t capacity : {64U, 512U, 4'096U}) {
    const trace accesses = recency(0, capacity, 200 * capacity, 3);
    key_cache cache(capacity);
    EXPECT_GT(hit_ratio(cache, accesses), hit_ratio(lru_cache(capacity), accesses) - 0.01)
        << capacity;
    cache.validate();
  }
}

TEST(policy, adapts_to_each_phase) {
  // Goal: recency, a loop, recency again: each costs little more than a policy made for it would.
  for (const std::size_t capacity : {512U, 513U, 1'024U, 2'048U, 4'097U, 8'192U}) {
    const trace first = recency(0, capacity, 40 * capacity, 1);
    const trace rounds = loop(1U << 30U, capacity + capacity / 2, 40 * capacity);
    const trace last = recency(1U << 31U, capacity, 40 * capacity, 2);
    key_cache cache(capacity);
    lru_cache lru(capacity);
    EXPECT_GT(hit_ratio(cache, first), hit_ratio(lru, first) - 0.05) << capacity;
    EXPECT_GT(hit_ratio(cache, rounds), 0.45) << capacity << "; two thirds fit";
    hit_ratio(lru, rounds);
    EXPECT_GT(hit_ratio(cache, last), hit_ratio(lru, last) - 0.05) << capacity;
    cache.validate();
  }
}

TEST(policy, loses_nothing_to_five_rounds_of_a_loop) {
  const std::size_t capacity = 2'048;
  trace accesses = recency(0, capacity, 60 * capacity, 1);
  append(accesses, loop(1U << 30U, capacity * 3 / 2, capacity * 15 / 2));
  append(accesses, recency(1U << 31U, capacity, 60 * capacity, 2));
  key_cache cache(capacity);
  EXPECT_GT(hit_ratio(cache, accesses), hit_ratio(lru_cache(capacity), accesses) - 0.01);
}

TEST(policy, keeps_popular_entries_through_a_scan) {
  const std::size_t capacity = 1'000;
  key_cache cache(capacity);
  hit_ratio(cache, zipf(0, 5'000, 100'000, 1));
  const double before = hit_ratio(cache, zipf(0, 5'000, 20'000, 2));
  hit_ratio(cache, loop(1U << 30U, 10 * capacity, 10 * capacity));
  EXPECT_GT(hit_ratio(cache, zipf(0, 5'000, 2'000, 3)), before - 0.05);
}

TEST(policy, keeps_popular_entries_in_a_flood_of_keys_seen_once) {
  const std::size_t capacity = 1'000;
  trace accesses;
  std::uint64_t once = 1U << 30U;
  for (const std::uint64_t key : zipf(0, 2'000, 60'000, 1)) {
    accesses.push_back(key);
    accesses.push_back(once++);
    accesses.push_back(once++);
  }
  EXPECT_GT(hit_ratio(key_cache(capacity), accesses),
            hit_ratio(lru_cache(capacity), accesses) + 0.04);
}

TEST(policy, is_no_worse_without_most_of_the_recorded_hits) {
  // Goal: the record of hits may be lossy; it only steers the shape.
  const trace accesses = zipf(0, 10'000, 200'000, 1);
  const double all = hit_ratio(key_cache(1'000, 1, 1), accesses);
  EXPECT_NEAR(hit_ratio(key_cache(1'000, 1, 4), accesses), all, 0.02);
  EXPECT_NEAR(hit_ratio(key_cache(1'000, 1, 1'000'000), accesses), all, 0.03);
}

TEST(policy, repeats_itself_with_the_same_seed) {
  const trace accesses = zipf(0, 2'000, 50'000, 1);
  key_cache first(300, 5);
  key_cache second(300, 5);
  hit_ratio(first, accesses);
  hit_ratio(second, accesses);
  EXPECT_EQ(first.evicted(), second.evicted());
}

TEST(policy, samples_all_of_a_small_cache_and_little_of_a_large_one) {
  const auto sampled_of_a_million = [](std::uint64_t capacity) {
    key_cache cache(capacity);
    cache.access(0);
    std::size_t sampled = 0;
    for (std::uint64_t key = 0; key < 1'000'000; ++key) sampled += cache.samples(key) ? 1U : 0U;
    return sampled;
  };
  EXPECT_EQ(sampled_of_a_million(100), 1'000'000U);
  const std::size_t large = sampled_of_a_million(32'768);
  EXPECT_LT(large, 1'000'000U / 32);
  EXPECT_GT(large, 1'000'000U / 128);
  EXPECT_LT(sampled_of_a_million(1'000'000), 1'000'000U / 64);
}

TEST(policy, keeps_its_sample_while_weights_vary) {
  // Goal: the expected number of entries is a guess when weights vary. A sample that changed with
  // every guess would begin anew all the time and never learn; 512 is where it is halved.
  key_cache cache(512 * 100);
  std::mt19937_64 random(1);
  const auto access_some = [&] {
    for (int each = 0; each < 5'000; ++each) cache.access(random(), 50 + random() % 100);
  };
  const auto sampled_of_100 = [&] {
    int sampled = 0;
    for (std::uint64_t key = 0; key < 100; ++key) sampled += cache.samples(key) ? 1 : 0;
    return sampled;
  };
  access_some();
  const int sampled = sampled_of_100();
  for (int round = 0; round < 20; ++round) {
    access_some();
    EXPECT_EQ(sampled_of_100(), sampled);
  }
  cache.validate();
}

TEST(policy, samples_nothing_while_nothing_is_missed) {
  key_cache cache(100);
  hit_ratio(cache, loop(0, 50, 10'000));
  EXPECT_FALSE(cache.samples(7));
  cache.access(1'000);
  EXPECT_TRUE(cache.samples(7));
}

TEST(policy, keeps_small_entries_beside_big_ones) {
  // Goal: a stream of entries of a twentieth of the capacity each leaves most of the small ones
  // that are used all the time. LRU would keep what was used since the last 20 big ones: half of
  // it.
  key_cache cache(2'000);
  const trace small = zipf(0, 1'000, 60'000, 1);
  std::uint64_t big = 1U << 30U;
  std::size_t hits = 0;
  for (std::size_t each = 0; each < small.size(); ++each) {
    const bool hit = cache.access(small[each]);
    if (each >= small.size() / 2 && hit) ++hits;
    if (each % 10 == 0) cache.access(big++, 100);
  }
  EXPECT_GT(static_cast<double>(hits), 0.7 * static_cast<double>(small.size()) / 2);
  cache.validate();
}

TEST(policy, keeps_the_bound_when_it_is_resized) {
  const trace accesses = zipf(0, 10'000, 100'000, 1);
  key_cache cache(1'000);
  hit_ratio(cache, accesses);
  cache.resize(100);
  EXPECT_EQ(cache.size(), 100U);
  cache.validate();
  EXPECT_NEAR(hit_ratio(cache, accesses), hit_ratio(key_cache(100), accesses), 0.02);
  cache.resize(2'000);
  EXPECT_NEAR(hit_ratio(cache, accesses), hit_ratio(key_cache(2'000), accesses), 0.02);
  EXPECT_EQ(cache.size(), 2'000U);
  cache.validate();
}

TEST(policy, works_again_after_clear) {
  const trace accesses = zipf(0, 10'000, 50'000, 1);
  key_cache cache(1'000);
  const double before = hit_ratio(cache, accesses);
  cache.clear();
  EXPECT_EQ(cache.weight(), 0U);
  cache.validate();
  EXPECT_NEAR(hit_ratio(cache, accesses), before, 0.02);
  cache.validate();
}

TEST(policy, lets_an_invalidated_entry_come_back_to_its_place) {
  // Goal: entries that are removed and loaded again all the time keep their place in a scan.
  key_cache cache(1'000);
  std::uint64_t once = 1U << 30U;
  const auto visit_all = [&] {
    std::size_t hits = 0;
    for (std::uint64_t key = 0; key < 500; ++key) {
      hits += cache.access(key) ? 1U : 0U;
      cache.access(once++);
      cache.access(once++);
    }
    return hits;
  };
  for (int round = 0; round < 20; ++round) visit_all();
  for (std::uint64_t key = 0; key < 500; ++key) {
    cache.erase(key);
    cache.access(key);
  }
  EXPECT_GT(visit_all(), 480U);
  cache.validate();
}

TEST(policy, replaces_what_was_popular_long_ago) {
  // Goal: more than all epochs that an entry can tell apart pass without a use of the old entries.
  key_cache cache(160);
  for (int round = 0; round < 50; ++round) hit_ratio(cache, loop(0, 150, 150));
  hit_ratio(cache, loop(1U << 30U, 100'000, 40 * 160));
  cache.validate();
  double last = 0;
  for (int round = 0; round < 60; ++round) last = hit_ratio(cache, loop(1U << 31U, 150, 150));
  EXPECT_GT(last, 0.95);
  cache.validate();
}

TEST(policy, does_not_keep_garbage_whose_rivals_leave_no_ghost_long_enough) {
  // Goal: a loop that fits is so diluted by keys seen once that its ghosts are gone when it comes
  // round. The cache began with the latter, which are never used: they must yield in time.
  key_cache cache(200);
  hit_ratio(cache, loop(1U << 30U, 1'000, 1'000));
  std::uint64_t once = 1U << 31U;
  std::size_t hits = 0;
  for (std::uint64_t each = 0; each < 12'000; ++each) {
    const bool hit = cache.access(each % 150);
    if (each >= 6'000 && hit) ++hits;
    for (int other = 0; other < 4; ++other) cache.access(once++);
  }
  EXPECT_GT(hits, 3'000U);
  cache.validate();
}

TEST(policy, does_a_bounded_amount_of_work_for_each_access) {
  // Goal: no access pays for a scan of all entries, also when every one of them was used.
  key_cache cache(10'000);
  std::size_t most = 0;
  std::size_t before = cache.reads();
  const std::size_t begun = before;
  std::size_t accesses = 0;
  const auto measure = [&](const trace& keys) {
    for (const std::uint64_t key : keys) {
      cache.access(key);
      most = std::max(most, cache.reads() - before);
      before = cache.reads();
      ++accesses;
    }
  };
  for (int round = 0; round < 5; ++round) {
    measure(loop(0, 10'000, 40'000));
    measure(loop(1U << 30U, 12'000, 30'000));
    measure(zipf(0, 50'000, 30'000, 1));
  }
  EXPECT_LT(most, 1'500U);
  EXPECT_LT(before - begun, 40 * accesses);
}

TEST(policy, looks_at_no_more_than_it_is_asked_for_and_changes_nothing) {
  const trace accesses = zipf(0, 2'000, 50'000, 1);
  key_cache watched(300);
  key_cache alone(300);
  for (const std::uint64_t key : accesses) {
    watched.access(key);
    const std::size_t before = watched.reads();
    EXPECT_GT(watched.look_at(5), 0U);
    EXPECT_LE(watched.reads() - before, 4U * 5 * 5);
  }
  hit_ratio(alone, accesses);
  EXPECT_EQ(watched.evicted(), alone.evicted());
  watched.validate();
}

}  // namespace
}  // namespace lodestar::cache::detail
