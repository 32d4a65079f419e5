#include "hit_ratio/lru.hpp"

namespace lodestar::bench::hit_ratio {

lru::lru(std::size_t capacity, std::size_t items)
    : capacity_(capacity), links_(items), resident_(items, false) {}

bool lru::access(std::uint64_t key) {
  const auto used = static_cast<item>(key);
  if (resident_[used]) {
    order_.refresh(used);
    return true;
  }
  if (order_.size() == capacity_) resident_[order_.take_oldest()] = false;
  order_.add(used);
  resident_[used] = true;
  return false;
}

}  // namespace lodestar::bench::hit_ratio
