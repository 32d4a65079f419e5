// Doubly linked lists of numbered keys, from the newest to the oldest, whose links are arrays.
//
// A list needs room for the links of every item that may ever be in it. Lists that share no item
// share one item_links. An item is in a list once; who owns the lists knows in which one it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace lodestar::bench::hit_ratio {

/// The number of a key, see trace::numbers.
using item = std::uint32_t;
inline constexpr item no_item = std::numeric_limits<item>::max();

struct item_links {
  explicit item_links(std::size_t items) : newer(items, no_item), older(items, no_item) {}
  std::vector<item> newer, older;
};

class item_list {
 public:
  /// The links must outlive the list.
  explicit item_list(item_links& links) : links_(links) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// The ends; no_item when the list is empty.
  [[nodiscard]] item newest() const noexcept { return newest_; }
  [[nodiscard]] item oldest() const noexcept { return oldest_; }
  /// The next one towards the newest; no_item behind the end.
  [[nodiscard]] item newer_than(item position) const { return links_.newer[position]; }

  void add(item added);
  void remove(item removed);
  /// The item becomes the newest one.
  void refresh(item used);
  /// Removes and returns the oldest; the list must not be empty.
  item take_oldest();

 private:
  item_links& links_;
  item newest_ = no_item;
  item oldest_ = no_item;
  std::size_t size_ = 0;
};

inline void item_list::add(item added) {
  links_.newer[added] = no_item;
  links_.older[added] = newest_;
  (newest_ == no_item ? oldest_ : links_.newer[newest_]) = added;
  newest_ = added;
  ++size_;
}

inline void item_list::remove(item removed) {
  const item newer = links_.newer[removed];
  const item older = links_.older[removed];
  (newer == no_item ? newest_ : links_.older[newer]) = older;
  (older == no_item ? oldest_ : links_.newer[older]) = newer;
  --size_;
}

inline void item_list::refresh(item used) {
  if (newest_ == used) return;
  remove(used);
  add(used);
}

inline item item_list::take_oldest() {
  const item taken = oldest_;
  remove(taken);
  return taken;
}

}  // namespace lodestar::bench::hit_ratio
