#include "hit_ratio/arc.hpp"

#include <algorithm>

namespace lodestar::bench::hit_ratio {

arc::arc(std::size_t capacity, std::size_t items)
    : capacity_(capacity), links_(items), places_(items, place::nowhere) {}

bool arc::access(std::uint64_t key) {
  const auto used = static_cast<item>(key);
  const place found = places_[used];
  switch (found) {
    case place::once:
    case place::often: hit(used); return true;
    case place::nowhere:
      make_room();
      once_.add(used);
      places_[used] = place::once;
      return false;
    case place::once_ghost:
    case place::often_ghost:
      adapt(found);
      replace(found == place::often_ghost);
      list_of(found).remove(used);
      often_.add(used);
      places_[used] = place::often;
      return false;
  }
  return false;
}

void arc::hit(item used) {
  list_of(places_[used]).remove(used);
  often_.add(used);
  places_[used] = place::often;
}

void arc::adapt(place ghost) {
  const auto once = static_cast<double>(once_ghost_.size());
  const auto often = static_cast<double>(often_ghost_.size());
  if (ghost == place::once_ghost) {
    once_target_ =
        std::min(once_target_ + std::max(often / once, 1.0), static_cast<double>(capacity_));
  } else {
    once_target_ = std::max(once_target_ - std::max(once / often, 1.0), 0.0);
  }
}

void arc::make_room() {
  const std::size_t once_known = once_.size() + once_ghost_.size();
  const std::size_t known = once_known + often_.size() + often_ghost_.size();
  if (once_known == capacity_) {
    if (once_ghost_.empty()) return forget(once_);
    forget(once_ghost_);
    replace(false);
  } else if (known >= capacity_) {
    if (known == 2 * capacity_) forget(often_ghost_);
    replace(false);
  }
}

void arc::replace(bool often_ghost_hit) {
  const auto once = static_cast<double>(once_.size());
  const bool from_once =
      !once_.empty() && (once > once_target_ || (often_ghost_hit && once == once_target_));
  const item evicted = (from_once ? once_ : often_).take_oldest();
  (from_once ? once_ghost_ : often_ghost_).add(evicted);
  places_[evicted] = from_once ? place::once_ghost : place::often_ghost;
}

void arc::forget(item_list& list) {
  places_[list.take_oldest()] = place::nowhere;
}

item_list& arc::list_of(place where) {
  switch (where) {
    case place::once: return once_;
    case place::often: return often_;
    case place::once_ghost: return once_ghost_;
    case place::often_ghost:
    case place::nowhere: break;
  }
  return often_ghost_;
}

}  // namespace lodestar::bench::hit_ratio
