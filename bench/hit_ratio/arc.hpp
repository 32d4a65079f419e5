// ARC (Megiddo and Modha, "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003): an LRU
// of keys seen once and one of keys seen more often, each with a ghost list of what it evicted;
// hits in the ghosts move the target size of the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hit_ratio/item_list.hpp"
#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

class arc final : public policy {
 public:
  /// Takes numbered keys below `items`.
  arc(std::size_t capacity, std::size_t items);
  bool access(std::uint64_t key) override;

 private:
  enum class place : std::uint8_t { nowhere, once, often, once_ghost, often_ghost };

  void hit(item used);
  void adapt(place ghost);
  /// Makes room for a key that no list knows.
  void make_room();
  /// Moves the oldest entry of one of the two lists to its ghosts.
  void replace(bool often_ghost_hit);
  void forget(item_list& list);
  [[nodiscard]] item_list& list_of(place where);

  std::size_t capacity_;
  item_links links_;
  // T1, T2, B1 and B2 of the paper.
  item_list once_{links_}, often_{links_}, once_ghost_{links_}, often_ghost_{links_};
  std::vector<place> places_;
  double once_target_ = 0;  // p of the paper
};

}  // namespace lodestar::bench::hit_ratio
