// A small cache of hashes without values: what a region_order of some shape would have hit.
//
// It is fed with all accesses to a sample of the keys and is smaller than the cache by the same
// factor, so that its hit ratio is an estimate of the cache's (Waldspurger et al., "Cache Modeling
// and Optimization using Miniature Simulations", USENIX ATC 2017). Every entry weighs 1.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/cache/detail/policy_records.hpp>
#include <lodestar/cache/detail/region_order.hpp>

namespace lodestar::cache::detail {

class shadow_cache {
 public:
  static constexpr std::size_t entries_limit = 0x7FFF;

  shadow_cache(std::size_t entries_max, const order_shape& shape);
  // The order inside points at the entries.
  shadow_cache(const shadow_cache&) = delete;
  shadow_cache& operator=(const shadow_cache&) = delete;

  /// An access to the key with this hash, which is inserted when it is absent; true: it was there.
  bool access(std::uint32_t hash);
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  /// Of all of it.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return sizeof(*this) + entries_.capacity() * sizeof(entry) + index_.capacity() * sizeof(link) +
           order_.memory_bytes();
  }

  void validate() const noexcept;

 private:
  using link = std::uint16_t;
  static constexpr link no_link = 0xFFFF;

  struct entry {
    std::uint32_t hash = 0;
    link newer = no_link;
    link older = no_link;
    std::uint8_t uses = 0;
    std::uint8_t region = 0;
  };

  /// The entries as region_order sees them.
  class records {
   public:
    explicit records(entry* entries) noexcept : entries_(entries) {}
    [[nodiscard]] slot_number newer(slot_number slot) const noexcept {
      return widen(entries_[slot].newer);
    }
    [[nodiscard]] slot_number older(slot_number slot) const noexcept {
      return widen(entries_[slot].older);
    }
    void set_newer(slot_number slot, slot_number to) noexcept { entries_[slot].newer = narrow(to); }
    void set_older(slot_number slot, slot_number to) noexcept { entries_[slot].older = narrow(to); }
    [[nodiscard]] std::uint8_t region(slot_number slot) const noexcept {
      return entries_[slot].region;
    }
    void set_region(slot_number slot, std::uint8_t byte) noexcept { entries_[slot].region = byte; }
    [[nodiscard]] std::uint8_t uses(slot_number slot) const noexcept { return entries_[slot].uses; }
    void set_uses(slot_number slot, std::uint8_t count) noexcept { entries_[slot].uses = count; }
    [[nodiscard]] std::uint64_t hash(slot_number slot) const noexcept {
      return entries_[slot].hash;
    }
    [[nodiscard]] static std::uint64_t weight(slot_number) noexcept { return 1; }

   private:
    static slot_number widen(link each) noexcept { return each == no_link ? no_slot : each; }
    static link narrow(slot_number slot) noexcept { return static_cast<link>(slot); }
    entry* entries_;
  };

  [[nodiscard]] std::size_t home(std::uint32_t hash) const noexcept { return hash & mask_; }
  /// The place of the hash in the index, or the free place where it belongs.
  [[nodiscard]] std::size_t find(std::uint32_t hash) const noexcept;
  void unindex(std::uint32_t hash) noexcept;

  std::vector<entry> entries_;
  // An open table of slots with linear probing, at most half full.
  std::vector<link> index_;
  std::size_t mask_;
  link vacant_ = 0;  // the slot of the next insertion
  region_order<records> order_;
};

// ---------------------------------------------------------------------------------------------------------------------

inline shadow_cache::shadow_cache(std::size_t entries_max, const order_shape& shape)
    : entries_(entries_max + 1),
      index_(std::bit_ceil(2 * entries_max), no_link),
      mask_(index_.size() - 1),
      order_(records(entries_.data()), entries_max, shape, 0) {
  LODESTAR_ASSERT(entries_max >= 1 && entries_max <= entries_limit,
                  "a shadow has at least one entry, and its slots fit a link");
}

inline bool shadow_cache::access(std::uint32_t hash) {
  const std::size_t place = find(hash);
  if (index_[place] != no_link) {
    std::uint8_t& uses = entries_[index_[place]].uses;
    if (uses < uses_max) ++uses;
    return true;
  }
  const link slot = vacant_;
  entries_[slot].hash = hash;
  order_.insert(slot);
  if (order_.weight() <= order_.capacity()) {
    index_[place] = slot;
    ++vacant_;
    return false;
  }
  // The newcomer enters the index after the victim has left it, so that it is never over half full.
  const slot_number victim = order_.evict(slot);
  unindex(entries_[victim].hash);
  index_[find(hash)] = slot;
  vacant_ = static_cast<link>(victim);
  return false;
}

inline void shadow_cache::validate() const noexcept {
  order_.validate();
  std::size_t count = 0;
  for (std::size_t place = 0; place < index_.size(); ++place) {
    if (index_[place] == no_link) continue;
    ++count;
    LODESTAR_ASSERT(find(entries_[index_[place]].hash) == place, "every indexed entry is found");
  }
  LODESTAR_ASSERT(count == order_.size(), "exactly the listed entries are in the index");
}

inline std::size_t shadow_cache::find(std::uint32_t hash) const noexcept {
  std::size_t place = home(hash);
  while (index_[place] != no_link && entries_[index_[place]].hash != hash) {
    place = (place + 1) & mask_;
  }
  return place;
}

inline void shadow_cache::unindex(std::uint32_t hash) noexcept {
  // Closes the gap with what was displaced by it, so that no tombstones are needed.
  std::size_t gap = find(hash);
  for (std::size_t next = (gap + 1) & mask_; index_[next] != no_link; next = (next + 1) & mask_) {
    const std::size_t wanted = home(entries_[index_[next]].hash);
    if (((next - wanted) & mask_) < ((next - gap) & mask_)) continue;
    index_[gap] = index_[next];
    gap = next;
  }
  index_[gap] = no_link;
}

}  // namespace lodestar::cache::detail
