// Least recently used: a hit makes its entry the newest, a miss evicts the oldest.
#pragma once

#include <cstddef>
#include <vector>

#include "hit_ratio/item_list.hpp"
#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

class lru final : public policy {
 public:
  /// Takes numbered keys below `items`.
  lru(std::size_t capacity, std::size_t items);
  bool access(std::uint64_t key) override;

 private:
  std::size_t capacity_;
  item_links links_;
  item_list order_{links_};
  std::vector<bool> resident_;
};

}  // namespace lodestar::bench::hit_ratio
