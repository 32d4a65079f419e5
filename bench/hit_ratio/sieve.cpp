#include "hit_ratio/sieve.hpp"

namespace lodestar::bench::hit_ratio {

sieve::sieve(std::size_t capacity, std::size_t items)
    : capacity_(capacity), links_(items), resident_(items, false), visited_(items, false) {}

bool sieve::access(std::uint64_t key) {
  const auto used = static_cast<item>(key);
  if (resident_[used]) {
    visited_[used] = true;
    return true;
  }
  if (order_.size() == capacity_) evict();
  order_.add(used);
  resident_[used] = true;
  visited_[used] = false;
  return false;
}

void sieve::evict() {
  item candidate = hand_ == no_item ? order_.oldest() : hand_;
  while (visited_[candidate]) {
    visited_[candidate] = false;
    candidate = order_.newer_than(candidate);
    if (candidate == no_item) candidate = order_.oldest();
  }
  hand_ = order_.newer_than(candidate);
  order_.remove(candidate);
  resident_[candidate] = false;
}

}  // namespace lodestar::bench::hit_ratio
