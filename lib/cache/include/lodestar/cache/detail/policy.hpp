// The eviction policy of the cache: a region_order whose shape is chosen by experiment.
//
// No fixed policy is good at everything: a large window suits recency, a small one loops, scans and
// frequency. So the order has one mechanism with a few shapes, and shadow caches tell, from a
// sample of the accesses, which of them hits most. See region_order.hpp for the mechanism,
// shape_tuner.hpp for the choice, docs/decisions/0004-eviction-policy.md for what was measured.
//
//   miss: store the entry (uses 0), policy.insert(slot); while policy.weight() > capacity:
//         remove the entry in policy.evict()
//   hit:  raise the entry's uses up to uses_max; if sample.samples(hash): policy.record_hit(hash),
//         at once or later, under the lock; some may be lost
//   a new value for a present key: a hit, and policy.reweigh(slot) when its weight is another one
//
// Thread-safety: the sample's samples() may be called from any thread; everything else needs the
// owner's lock. A hit may raise the uses of an entry at any time; one that is lost to the policy's
// own reset at that moment does no harm.
//
// An entry that was inserted or reweighed last is not evicted before the next insertion, unless it
// is the only one. Entries that must never be evicted are not given to the policy.
//
// Memory: two links and two bytes of each entry are the policy's. Ghosts take 4 bytes for each
// entry; the shadows 62 KiB, and about one byte for each entry up to a million.
//
// Cost: insert() and evict() do a bounded number of steps; shadows and ghosts are allocated when
// first needed and when the number of entries has changed a lot. When that throws, the same entries
// are still listed.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <lodestar/base/assert.hpp>
#include <lodestar/cache/detail/hit_sample.hpp>
#include <lodestar/cache/detail/policy_records.hpp>
#include <lodestar/cache/detail/region_order.hpp>
#include <lodestar/cache/detail/shape_tuner.hpp>

namespace lodestar::cache::detail {

template <policy_records Records>
class policy {
 public:
  // A shadow of so many entries, and one more for so many of the cache: a large cache can afford a
  // better estimate, and learns slowly from a small one.
  static constexpr std::uint64_t shadow_entries_base = 512;
  static constexpr std::uint64_t entries_per_shadow_entry = 128;
  static constexpr std::uint64_t shadow_entries_limit = 8'192;
  // Recorded hits for each entry of a shadow without a miss, after which none is wanted.
  static constexpr std::size_t idle_turns = 8;

  /// The capacity is in units of weight, at least 1. The sample outlives the policy, which sets it:
  /// all hits are wanted while the cache is small; a cache of 32,768 entries wants those of one of
  /// 64 keys; and none after long without a miss, when there is nothing to gain.
  policy(Records records, std::uint64_t capacity, hit_sample& sample);
  policy(const policy&) = delete;
  policy& operator=(const policy&) = delete;

  [[nodiscard]] std::uint64_t capacity() const noexcept { return order_.capacity(); }
  [[nodiscard]] std::uint64_t weight() const noexcept { return order_.weight(); }
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }

  /// A hit on a key of the sample; others are ignored.
  void record_hit(std::uint64_t hash);

  void insert(slot_number slot, arrival how = arrival::missed);
  /// Takes an entry out of the policy for its owner to remove; no_slot when there is none.
  [[nodiscard]] slot_number evict();
  /// Takes out an entry that its owner removes. Its weight is still what the policy knows.
  void erase(slot_number slot) noexcept;
  /// The entry weighs more or less than before.
  void reweigh(slot_number slot, std::uint64_t before) noexcept;
  /// The owner evicts until weight() fits again.
  void resize(std::uint64_t capacity) noexcept;
  /// Takes out all entries. What was learnt about the accesses stays.
  void clear() noexcept;

  /// The number of the shape that the accesses so far suggest, for another policy to begin with.
  [[nodiscard]] std::size_t shape() const noexcept { return tuner_.chosen(); }
  /// Ignored when there is no shape of this number.
  void adopt_shape(std::size_t number) noexcept {
    if (number >= shape_tuner::candidates.size()) return;
    tuner_.adopt(number);
    order_.reshape(tuner_.shape());
  }

  // Which entries would stay and which would go: region_order.hpp. They change nothing.
  static constexpr std::uint16_t heat_max = region_order<Records>::heat_max;
  [[nodiscard]] std::uint16_t heat(slot_number slot) const noexcept { return order_.heat(slot); }
  /// Whether it is in the main region.
  [[nodiscard]] bool is_proven(slot_number slot) const noexcept { return order_.is_proven(slot); }
  template <class Visit>
  void visit_oldest(std::size_t entries, Visit&& visit) const {
    order_.visit_oldest(entries, std::forward<Visit>(visit));
  }
  template <class Visit>
  void visit_newest(std::size_t entries, Visit&& visit) const {
    order_.visit_newest(entries, std::forward<Visit>(visit));
  }

  /// What it has allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return order_.memory_bytes() + tuner_.memory_bytes();
  }

  /// Checks every invariant and ends the process when one is broken. For tests; cost: every entry.
  void validate() const noexcept;

 private:
  void record(std::uint64_t hash);
  /// To the number of entries that the cache will hold when it is full, with one more of this
  /// weight.
  void fit_sample(std::uint64_t added_weight);
  void fit_tuner(std::uint64_t entries);
  [[nodiscard]] std::uint64_t entries_expected(std::uint64_t added_weight) const noexcept;

  static constexpr double entries_max = 4'294'967'296;  // slots have 32 bits

  Records records_;
  hit_sample& sample_;
  region_order<Records> order_;
  shape_tuner tuner_;
  std::uint64_t fitted_mask_ = 0;     // as many high bits as the keys are halved
  std::uint64_t fitted_entries_ = 0;  // for so many the tuner was made
  slot_number written_ = no_slot;     // the last one
  std::size_t hits_since_miss_ = 0;
};

// ---------------------------------------------------------------------------------------------------------------------

template <policy_records Records>
policy<Records>::policy(Records records, std::uint64_t capacity, hit_sample& sample)
    : records_(records),
      sample_(sample),
      order_(records, capacity, shape_tuner::candidates[0], sample.seed()) {
  LODESTAR_ASSERT(capacity >= 1, "a cache has room for something");
}

template <policy_records Records>
void policy<Records>::record_hit(std::uint64_t hash) {
  if (!sample_.samples(hash) || tuner_.shadow_entries() == 0) return;
  record(hash);
  if (++hits_since_miss_ > idle_turns * tuner_.shadow_entries()) {
    sample_.set_mask(hit_sample::none);
  }
}

template <policy_records Records>
void policy<Records>::insert(slot_number slot, arrival how) {
  fit_sample(records_.weight(slot));  // first: it is all that can fail
  order_.insert(slot, how);
  written_ = slot;
  hits_since_miss_ = 0;
  // What comes from elsewhere was not asked for: it tells nothing of the accesses.
  if (how != arrival::missed) return;
  const std::uint64_t hash = records_.hash(slot);
  if (sample_.samples(hash)) record(hash);
}

template <policy_records Records>
slot_number policy<Records>::evict() {
  const slot_number victim = order_.evict(written_);
  if (victim == written_) written_ = no_slot;
  return victim;
}

template <policy_records Records>
void policy<Records>::erase(slot_number slot) noexcept {
  if (slot == written_) written_ = no_slot;
  order_.erase(slot);
}

template <policy_records Records>
void policy<Records>::reweigh(slot_number slot, std::uint64_t before) noexcept {
  order_.reweigh(slot, before);
  written_ = slot;
}

template <policy_records Records>
void policy<Records>::resize(std::uint64_t capacity) noexcept {
  LODESTAR_ASSERT(capacity >= 1, "a cache has room for something");
  order_.resize(capacity);
  written_ = no_slot;
}

template <policy_records Records>
void policy<Records>::clear() noexcept {
  order_.clear();
  written_ = no_slot;
}

template <policy_records Records>
void policy<Records>::validate() const noexcept {
  order_.validate();
  tuner_.validate();
}

template <policy_records Records>
void policy<Records>::record(std::uint64_t hash) {
  const auto fingerprint = static_cast<std::uint32_t>(spread_hash(hash, sample_.seed()) >> 32U);
  if (tuner_.record(fingerprint)) order_.reshape(tuner_.shape());
}

template <policy_records Records>
void policy<Records>::fit_sample(std::uint64_t added_weight) {
  const std::uint64_t expected = entries_expected(added_weight);
  // Weights vary and so does the expectation: what is nearly right stays, with its history.
  if (4 * expected > 5 * fitted_entries_ || 4 * fitted_entries_ > 5 * expected) fit_tuner(expected);
  sample_.set_mask(fitted_mask_);
}

template <policy_records Records>
void policy<Records>::fit_tuner(std::uint64_t entries) {
  const std::uint64_t shadow_entries_max =
      std::min(shadow_entries_base + entries / entries_per_shadow_entry, shadow_entries_limit);
  std::uint64_t shadow_entries = entries;
  int halvings = 0;
  while (shadow_entries > shadow_entries_max) {
    shadow_entries /= 2;
    ++halvings;
  }
  tuner_.fit(shadow_entries);
  fitted_entries_ = entries;
  fitted_mask_ = halvings == 0 ? 0 : hit_sample::none << (64 - halvings);
}

template <policy_records Records>
std::uint64_t policy<Records>::entries_expected(std::uint64_t added_weight) const noexcept {
  // From the mean weight so far; exactly the capacity when every entry weighs 1.
  const double mean =
      static_cast<double>(order_.weight() + added_weight) / static_cast<double>(order_.size() + 1);
  const double entries = std::min(entries_max, static_cast<double>(order_.capacity()) / mean);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(entries));
}

}  // namespace lodestar::cache::detail
