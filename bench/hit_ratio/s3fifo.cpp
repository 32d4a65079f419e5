#include "hit_ratio/s3fifo.hpp"

#include <algorithm>

namespace lodestar::bench::hit_ratio {
namespace {

constexpr std::uint8_t hits_max = 3;  // two bits
constexpr std::uint8_t hits_to_main = 2;

}  // namespace

s3fifo::s3fifo(std::size_t capacity, std::size_t items)
    : capacity_(capacity),
      small_max_(std::max<std::size_t>(capacity / 10, 1)),
      main_max_(capacity - small_max_),
      ghost_max_(capacity * 9 / 10),
      links_(items),
      places_(items, place::nowhere),
      hits_(items, 0) {}

bool s3fifo::access(std::uint64_t key) {
  const auto used = static_cast<item>(key);
  const place found = places_[used];
  if (found == place::small || found == place::main) {
    hits_[used] = std::min<std::uint8_t>(hits_[used] + 1, hits_max);
    return true;
  }
  if (found == place::ghost) ghost_.remove(used);
  while (small_.size() + main_.size() >= capacity_) {
    if (main_.size() > main_max_ || small_.empty()) {
      evict_main();
    } else {
      evict_small();
    }
  }
  const bool remembered = found == place::ghost;
  (remembered ? main_ : small_).add(used);
  places_[used] = remembered ? place::main : place::small;
  hits_[used] = 0;
  return false;
}

void s3fifo::evict_small() {
  while (!small_.empty()) {
    const item oldest = small_.take_oldest();
    if (hits_[oldest] < hits_to_main) return remember(oldest);
    main_.add(oldest);
    places_[oldest] = place::main;
    hits_[oldest] = 0;
  }
}

void s3fifo::evict_main() {
  while (hits_[main_.oldest()] > 0) {
    --hits_[main_.oldest()];
    main_.refresh(main_.oldest());
  }
  places_[main_.take_oldest()] = place::nowhere;
}

void s3fifo::remember(item evicted) {
  places_[evicted] = place::nowhere;
  if (ghost_max_ == 0) return;
  if (ghost_.size() == ghost_max_) places_[ghost_.take_oldest()] = place::nowhere;
  ghost_.add(evicted);
  places_[evicted] = place::ghost;
}

}  // namespace lodestar::bench::hit_ratio
