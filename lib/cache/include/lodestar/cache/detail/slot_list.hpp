// A doubly linked list of slots, newest to oldest, with the sum of their weights. The links are in
// the entries; a slot is in at most one list.
#pragma once

#include <cstddef>
#include <cstdint>

#include <lodestar/base/assert.hpp>
#include <lodestar/cache/detail/policy_records.hpp>

namespace lodestar::cache::detail {

template <policy_records Records>
class slot_list {
 public:
  [[nodiscard]] slot_number newest() const noexcept { return newest_; }
  [[nodiscard]] slot_number oldest() const noexcept { return oldest_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::uint64_t weight() const noexcept { return weight_; }

  void push_newest(Records records, slot_number slot) noexcept;
  void remove(Records records, slot_number slot) noexcept;
  /// The weight of a listed entry has become another one.
  void reweigh(std::uint64_t before, std::uint64_t after) noexcept { weight_ += after - before; }
  /// Checks links and sums; cost: every entry.
  void validate(Records records) const noexcept;

 private:
  slot_number newest_ = no_slot;
  slot_number oldest_ = no_slot;
  std::size_t size_ = 0;
  std::uint64_t weight_ = 0;
};

template <policy_records Records>
void slot_list<Records>::push_newest(Records records, slot_number slot) noexcept {
  records.set_newer(slot, no_slot);
  records.set_older(slot, newest_);
  if (newest_ == no_slot) {
    oldest_ = slot;
  } else {
    records.set_newer(newest_, slot);
  }
  newest_ = slot;
  ++size_;
  weight_ += records.weight(slot);
}

template <policy_records Records>
void slot_list<Records>::remove(Records records, slot_number slot) noexcept {
  const slot_number newer = records.newer(slot);
  const slot_number older = records.older(slot);
  if (newer == no_slot) {
    newest_ = older;
  } else {
    records.set_older(newer, older);
  }
  if (older == no_slot) {
    oldest_ = newer;
  } else {
    records.set_newer(older, newer);
  }
  --size_;
  weight_ -= records.weight(slot);
}

template <policy_records Records>
void slot_list<Records>::validate(Records records) const noexcept {
  std::size_t count = 0;
  std::uint64_t sum = 0;
  slot_number newer = no_slot;
  for (slot_number slot = newest_; slot != no_slot; slot = records.older(slot)) {
    LODESTAR_ASSERT(records.newer(slot) == newer, "links agree in both directions");
    LODESTAR_ASSERT(++count <= size_, "a list has no ring");
    sum += records.weight(slot);
    newer = slot;
  }
  LODESTAR_ASSERT(newer == oldest_, "the last one is the oldest");
  LODESTAR_ASSERT(count == size_, "every listed slot is counted");
  LODESTAR_ASSERT(sum == weight_, "the total is the sum of the weights");
}

}  // namespace lodestar::cache::detail
