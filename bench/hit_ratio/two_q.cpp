#include "hit_ratio/two_q.hpp"

namespace lodestar::bench::hit_ratio {

two_q::two_q(std::size_t capacity, std::size_t items)
    : capacity_(capacity),
      in_max_(capacity / 4),
      out_max_(capacity / 2),
      links_(items),
      places_(items, place::nowhere) {}

bool two_q::access(std::uint64_t key) {
  const auto used = static_cast<item>(key);
  const place found = places_[used];
  if (found == place::main) main_.refresh(used);
  if (found == place::main || found == place::in) return true;
  if (found == place::out) out_.remove(used);
  if (in_.size() + main_.size() == capacity_) evict();
  (found == place::out ? main_ : in_).add(used);
  places_[used] = found == place::out ? place::main : place::in;
  return false;
}

void two_q::evict() {
  if (in_.size() > in_max_) {
    remember(in_.take_oldest());
  } else {
    places_[main_.take_oldest()] = place::nowhere;
  }
}

void two_q::remember(item evicted) {
  places_[evicted] = place::nowhere;
  if (out_max_ == 0) return;
  if (out_.size() == out_max_) places_[out_.take_oldest()] = place::nowhere;
  out_.add(evicted);
  places_[evicted] = place::out;
}

}  // namespace lodestar::bench::hit_ratio
