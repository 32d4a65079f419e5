// S3-FIFO (Yang et al., "FIFO Queues are All You Need for Cache Eviction", SOSP 2023): new keys
// pass through the FIFO `small`, a tenth of the capacity; those with two hits there, or which
// return while `ghost` still remembers them (nine tenths of the capacity, without values), join the
// FIFO `main`, in which each counted hit (three at most) buys another round.
//
// Before the first eviction `small` takes whatever is free, as in the paper. Some implementations
// fill `main` instead; then its first keys never leave, which wins loops and little else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hit_ratio/item_list.hpp"
#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

class s3fifo final : public policy {
 public:
  /// Takes numbered keys below `items`.
  s3fifo(std::size_t capacity, std::size_t items);
  bool access(std::uint64_t key) override;

 private:
  enum class place : std::uint8_t { nowhere, small, main, ghost };

  /// Each evicts one entry, or none when it moved all that it looked at.
  void evict_small();
  void evict_main();
  void remember(item evicted);

  std::size_t capacity_, small_max_, main_max_, ghost_max_;
  item_links links_;
  item_list small_{links_}, main_{links_}, ghost_{links_};
  std::vector<place> places_;
  std::vector<std::uint8_t> hits_;
};

}  // namespace lodestar::bench::hit_ratio
