// Belady's MIN: evicts the entry that is used again last, which takes knowledge of the future. No
// policy that keeps every key it inserts until the next miss has more hits.
//
// A policy that refuses some keys may have a few more: it need not give up an entry for a key that
// never returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hit_ratio/item_list.hpp"
#include "hit_ratio/policy.hpp"
#include "hit_ratio/position_set.hpp"

namespace lodestar::bench::hit_ratio {

class belady final : public policy {
 public:
  /// Takes the numbered keys `accesses`, each below `items`, in their order and nothing else. They
  /// must outlive it.
  belady(std::size_t capacity, std::size_t items, std::span<const item> accesses);
  bool access(std::uint64_t key) override;

 private:
  void evict();

  std::size_t capacity_;
  std::span<const item> accesses_;
  std::vector<std::uint32_t> next_uses_;  // of each access, the position of the key's next one
  position_set upcoming_;                 // next uses of the resident entries that have one
  std::vector<item> unused_;              // resident entries without a next use
  std::vector<bool> resident_;
  std::size_t entries_ = 0;
  std::size_t now_ = 0;
};

}  // namespace lodestar::bench::hit_ratio
