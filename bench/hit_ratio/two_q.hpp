// 2Q, full version (Johnson and Shasha, VLDB 1994): new keys pass through the FIFO `in`, a quarter
// of the capacity; only a key that returns while `out` still remembers it (half the capacity,
// without values) joins the LRU `main`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hit_ratio/item_list.hpp"
#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

class two_q final : public policy {
 public:
  /// Takes numbered keys below `items`.
  two_q(std::size_t capacity, std::size_t items);
  bool access(std::uint64_t key) override;

 private:
  enum class place : std::uint8_t { nowhere, in, out, main };

  void evict();
  void remember(item evicted);

  std::size_t capacity_, in_max_, out_max_;
  item_links links_;
  item_list in_{links_}, out_{links_}, main_{links_};
  std::vector<place> places_;
};

}  // namespace lodestar::bench::hit_ratio
