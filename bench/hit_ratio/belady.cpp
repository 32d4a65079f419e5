#include "hit_ratio/belady.hpp"

#include <limits>

#include <lodestar/base/assert.hpp>

namespace lodestar::bench::hit_ratio {
namespace {

constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

std::vector<std::uint32_t> next_uses_of(std::span<const item> accesses, std::size_t items) {
  std::vector<std::uint32_t> next(accesses.size());
  std::vector<std::uint32_t> seen(items, never);
  for (std::size_t position = accesses.size(); position-- > 0;) {
    next[position] = seen[accesses[position]];
    seen[accesses[position]] = static_cast<std::uint32_t>(position);
  }
  return next;
}

}  // namespace

belady::belady(std::size_t capacity, std::size_t items, std::span<const item> accesses)
    : capacity_(capacity),
      accesses_(accesses),
      next_uses_(next_uses_of(accesses, items)),
      upcoming_(accesses.size()),
      resident_(items, false) {}

bool belady::access(std::uint64_t key) {
  const auto used = static_cast<item>(key);
  LODESTAR_ASSERT(now_ < accesses_.size() && accesses_[now_] == used,
                  "the accesses are those that were announced");
  const bool hit = resident_[used];
  if (hit) {
    upcoming_.remove(now_);
  } else {
    if (entries_ == capacity_) evict();
    resident_[used] = true;
    ++entries_;
  }
  const std::uint32_t next = next_uses_[now_++];
  if (next == never) {
    unused_.push_back(used);
  } else {
    upcoming_.add(next);
  }
  return hit;
}

void belady::evict() {
  item victim = no_item;
  if (unused_.empty()) {
    const std::size_t last = upcoming_.greatest();
    upcoming_.remove(last);
    victim = accesses_[last];
  } else {
    victim = unused_.back();
    unused_.pop_back();
  }
  resident_[victim] = false;
  --entries_;
}

}  // namespace lodestar::bench::hit_ratio
