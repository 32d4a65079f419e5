// LIRS (Jiang and Zhang, SIGMETRICS 2002): keys that return soon after their last access (LIR) own
// 99 % of the capacity; all others (HIR) pass through a queue of 1 %. The stack holds keys in the
// order of their last access down to the oldest LIR; a HIR key that is accessed while it is still
// in the stack becomes LIR.
//
// The stack, unbounded in the paper, holds twice the capacity at most, as in libCacheSim: beyond,
// the key that was evicted first is forgotten.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hit_ratio/item_list.hpp"
#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

class lirs final : public policy {
 public:
  /// Takes numbered keys below `items`.
  lirs(std::size_t capacity, std::size_t items);
  bool access(std::uint64_t key) override;

 private:
  enum class state : std::uint8_t { unknown, low, high, high_evicted };  // LIR, HIR

  void hit_high(item used);
  void miss(item used);
  /// A HIR key of the stack, in no queue any more, becomes LIR.
  void promote(item used);
  /// The oldest LIR key becomes HIR, at the end of the queue.
  void demote_oldest();
  void evict_high();
  /// Takes keys off the end of the stack until a LIR key is there.
  void prune();
  void limit_stack();
  void refresh_in_stack(item used);
  void take_from_stack(item removed);

  std::size_t capacity_, low_max_;
  item_links stack_links_, queue_links_;
  item_list stack_{stack_links_};
  item_list queue_{queue_links_};    // resident HIR
  item_list evicted_{queue_links_};  // evicted HIR of the stack, in the order of eviction
  std::vector<state> states_;
  std::vector<bool> in_stack_;
  std::size_t low_ = 0;
};

}  // namespace lodestar::bench::hit_ratio
