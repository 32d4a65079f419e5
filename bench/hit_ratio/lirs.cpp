#include "hit_ratio/lirs.hpp"

#include <algorithm>

namespace lodestar::bench::hit_ratio {

lirs::lirs(std::size_t capacity, std::size_t items)
    : capacity_(capacity),
      low_max_(capacity - std::max<std::size_t>(capacity / 100, 1)),
      stack_links_(items),
      queue_links_(items),
      states_(items, state::unknown),
      in_stack_(items, false) {}

bool lirs::access(std::uint64_t key) {
  const auto used = static_cast<item>(key);
  const state found = states_[used];
  if (found == state::low) {
    refresh_in_stack(used);
  } else if (found == state::high) {
    hit_high(used);
  } else {
    miss(used);
  }
  prune();
  limit_stack();
  return found == state::low || found == state::high;
}

void lirs::hit_high(item used) {
  if (in_stack_[used]) {
    queue_.remove(used);
    promote(used);
  } else {
    refresh_in_stack(used);
    queue_.refresh(used);
  }
}

void lirs::miss(item used) {
  if (low_ + queue_.size() == capacity_) evict_high();
  if (states_[used] == state::high_evicted) {
    evicted_.remove(used);
    promote(used);
  } else if (low_ < low_max_) {
    refresh_in_stack(used);
    states_[used] = state::low;
    ++low_;
  } else {
    refresh_in_stack(used);
    states_[used] = state::high;
    queue_.add(used);
  }
}

void lirs::promote(item used) {
  refresh_in_stack(used);
  states_[used] = state::low;
  ++low_;
  if (low_ > low_max_) demote_oldest();
}

void lirs::demote_oldest() {
  const item oldest = stack_.oldest();
  take_from_stack(oldest);
  states_[oldest] = state::high;
  queue_.add(oldest);
  --low_;
}

void lirs::evict_high() {
  const item victim = queue_.take_oldest();
  states_[victim] = in_stack_[victim] ? state::high_evicted : state::unknown;
  if (in_stack_[victim]) evicted_.add(victim);
}

void lirs::prune() {
  while (!stack_.empty() && states_[stack_.oldest()] != state::low) {
    const item oldest = stack_.oldest();
    take_from_stack(oldest);
    if (states_[oldest] != state::high_evicted) continue;
    evicted_.remove(oldest);
    states_[oldest] = state::unknown;
  }
}

void lirs::limit_stack() {
  while (stack_.size() > 2 * capacity_ && !evicted_.empty()) {
    const item forgotten = evicted_.take_oldest();
    take_from_stack(forgotten);
    states_[forgotten] = state::unknown;
  }
}

void lirs::refresh_in_stack(item used) {
  if (in_stack_[used]) {
    stack_.refresh(used);
  } else {
    stack_.add(used);
    in_stack_[used] = true;
  }
}

void lirs::take_from_stack(item removed) {
  stack_.remove(removed);
  in_stack_[removed] = false;
}

}  // namespace lodestar::bench::hit_ratio
