// SIEVE (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024): entries stay in the order of their
// insertion; a hand that moves from the oldest to the newest evicts the first one without a hit
// since the hand was there last.
#pragma once

#include <cstddef>
#include <vector>

#include "hit_ratio/item_list.hpp"
#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

class sieve final : public policy {
 public:
  /// Takes numbered keys below `items`.
  sieve(std::size_t capacity, std::size_t items);
  bool access(std::uint64_t key) override;

 private:
  void evict();

  std::size_t capacity_;
  item_links links_;
  item_list order_{links_};
  item hand_ = no_item;  // no_item: at the oldest
  std::vector<bool> resident_, visited_;
};

}  // namespace lodestar::bench::hit_ratio
