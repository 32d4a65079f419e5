// The order in which entries leave: a window of new entries before a main region of proven ones.
//
//   miss ─► window (first in, first out) ─► used enough? ─► main (clock) ─► out
//                      │ no                                  ▲
//                      └─► out, leaves a ghost ─► miss again ┘ if it came back soon enough
//
// * A hit only counts (lazy promotion, as in CLOCK, S3-FIFO and SIEVE): an entry's uses are looked
//   at when it has become the oldest of its region. In the main region a used one goes round again.
// * While there is room, the main region takes what leaves the window. Whatever came first then
//   stays until something better shows up, so a loop over more keys than fit keeps hitting a part
//   of them, where first-in-first-out and LRU would never hit again.
// * What shows up is better when its ghost is younger than the main region's oldest unused entry:
//   it came back sooner than that one is known to (the rule of LIRS, with ghosts instead of a
//   stack). In a loop both are the same age, and nothing is exchanged for its like.
//
// Ages are counted in misses, in epochs of a sixteenth of the number of entries. An entry's byte
// holds its region and the epoch in which it was placed there, modulo 127; before that becomes
// ambiguous a hand that runs ahead of time marks it as ancient.
//
// Sources: Johnson and Shasha, 2Q (VLDB 1994); Jiang and Zhang, LIRS (SIGMETRICS 2002); Jiang,
// Chen and Zhang, CLOCK-Pro (USENIX ATC 2005); Yang et al., S3-FIFO (SOSP 2023).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <lodestar/base/assert.hpp>
#include <lodestar/cache/detail/ghost_table.hpp>
#include <lodestar/cache/detail/policy_records.hpp>
#include <lodestar/cache/detail/slot_list.hpp>

namespace lodestar::cache::detail {

/// What makes one order suit a loop and another one recency.
struct order_shape {
  double window_share;  ///< Of the capacity; at least 1 unit of weight.
  /// So many uses in the window lead to the main region; above uses_max: none do.
  std::uint8_t promotion_uses;
  /// A ghost leads there when so many times its age is below the age of the main region's oldest
  /// unused entry; 0: none does.
  std::uint8_t ghost_age_factor;
  /// A used entry that is not promoted goes round again in the window, too.
  bool window_goes_round;
};

/// Why an entry comes.
enum class arrival : std::uint8_t {
  missed,
  unproven,  ///< It was in the window of another cache, and begins there again.
  proven,    ///< It was in the main region.
};

template <policy_records Records>
class region_order {
 public:
  static constexpr std::uint16_t heat_max = 3 * (uses_max + 1) * 128;

  region_order(Records records, std::uint64_t capacity, const order_shape& shape,
               std::uint64_t seed) noexcept
      : records_(std::move(records)), seed_(seed), capacity_(capacity) {
    reshape(shape);
  }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint64_t weight() const noexcept { return window_.weight() + main_.weight(); }
  [[nodiscard]] std::size_t size() const noexcept { return window_.size() + main_.size(); }

  /// A new entry, after a miss. May make the order heavier than its capacity.
  void insert(slot_number slot, arrival how = arrival::missed) noexcept;
  [[nodiscard]] bool is_proven(slot_number slot) const noexcept { return in_main(slot); }
  /// Takes the entry out that is worth least; `kept` (or no_slot) only when it is the last one.
  /// no_slot when there is none.
  [[nodiscard]] slot_number evict(slot_number kept);
  /// Takes an entry out that its owner removes.
  void erase(slot_number slot) noexcept;
  /// The entry's weight is another one now.
  void reweigh(slot_number slot, std::uint64_t before) noexcept;
  void reshape(const order_shape& shape) noexcept;
  void resize(std::uint64_t capacity) noexcept;
  /// Forgets everything without touching the entries.
  void clear() noexcept;

  /// How long the entry would stay beside others if nobody used anything any more and newcomers
  /// kept coming: those of less heat go first, those of the same heat in the order of their age.
  /// An estimate, at most heat_max.
  [[nodiscard]] std::uint16_t heat(slot_number slot) const noexcept;
  /// Calls visit(slot) for each region's oldest entries, oldest first, and for its newest ones,
  /// newest first: at most so many of each region.
  template <class Visit>
  void visit_oldest(std::size_t entries, Visit&& visit) const;
  template <class Visit>
  void visit_newest(std::size_t entries, Visit&& visit) const;

  /// What it has allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return ghosts_.memory_bytes(); }

  /// Checks every invariant; cost: every entry.
  void validate() const noexcept;

 private:
  using list = slot_list<Records>;

  // An entry's byte: main_flag and the epoch of its placement modulo epoch_codes, or ancient.
  static constexpr std::uint8_t main_flag = 0x80;
  static constexpr std::uint8_t code_mask = 0x7F;
  static constexpr std::uint32_t epoch_codes = 127;
  static constexpr std::uint8_t ancient = 127;
  static constexpr std::uint32_t ancient_epochs = 112;
  static constexpr std::size_t epochs_per_turn = 16;
  // Bounds of the work for one entry. Each step is paid for by an earlier hit or insertion.
  static constexpr unsigned scan_steps_max = 32;
  static constexpr unsigned move_steps = 2;
  static constexpr unsigned stale_turns = 64;  // victims of the window for one of a stale region

  [[nodiscard]] bool in_main(slot_number slot) const noexcept {
    return (records_.region(slot) & main_flag) != 0;
  }
  [[nodiscard]] std::uint32_t age_epochs(slot_number slot) const noexcept;
  void count_miss() noexcept;
  void mark_ancient() noexcept;

  void remember(slot_number slot, std::uint32_t age) noexcept {
    ghosts_.remember(spread_hash(records_.hash(slot), seed_), epoch_, age);
  }
  void push_window(slot_number slot) noexcept;
  void push_main(slot_number slot) noexcept;
  void remove(slot_number slot) noexcept;
  /// The oldest of the region goes round again, one use poorer. From the main region it goes to the
  /// window when that one's share has become larger and is not filled yet: all of the loss would
  /// hit the main region otherwise.
  void go_round(list& region) noexcept;
  [[nodiscard]] bool window_starves() const noexcept {
    return window_.weight() < window_capacity_ / 4 * 3;
  }
  void move_to_main() noexcept;
  /// While there is room, what leaves the window need not prove anything.
  void fill_main() noexcept;
  /// What a larger share or capacity has let into the window moves over instead of being lost.
  void move_surplus(slot_number newcomer) noexcept;
  /// Gives entries a second chance in the main region until an unused one is its oldest; false
  /// when none was found within bounds.
  bool find_unused_in_main() noexcept;
  [[nodiscard]] bool admits(std::uint32_t ghost_age_epochs) noexcept;
  /// Whether this time something untried is to replace the main region's oldest: that one has been
  /// useless for ages. What is used less often than ghosts live could never get in otherwise, and
  /// the region keep its garbage for ever. Seldom true, as it costs hits in a very long loop.
  [[nodiscard]] bool main_is_stale() noexcept;
  [[nodiscard]] slot_number window_victim(slot_number kept) noexcept;
  [[nodiscard]] slot_number oldest_but(const list& region, slot_number kept) const noexcept;

  Records records_;
  const std::uint64_t seed_;
  std::uint64_t capacity_;
  std::uint64_t window_capacity_ = 1;
  order_shape shape_{};
  list window_;
  list main_;
  ghost_table ghosts_;
  bool window_shrinks_ = false;
  slot_number fresh_ = no_slot;  // the oldest of the main region that is not marked as ancient
  unsigned stale_turn_ = 0;
  std::uint32_t epoch_ = 0;
  std::size_t epoch_misses_left_ = 1;
};

// ---------------------------------------------------------------------------------------------------------------------

template <policy_records Records>
void region_order<Records>::insert(slot_number slot, arrival how) noexcept {
  count_miss();
  records_.set_uses(slot, 0);
  const auto ghost_age = ghosts_.take(spread_hash(records_.hash(slot), seed_), epoch_);
  if (how == arrival::proven || (ghost_age && admits(*ghost_age))) {
    push_main(slot);
  } else {
    push_window(slot);
  }
  fill_main();
}

template <policy_records Records>
slot_number region_order<Records>::evict(slot_number kept) {
  if (window_shrinks_) move_surplus(kept);
  slot_number victim = window_victim(kept);
  if (victim == no_slot) {
    find_unused_in_main();
    victim = oldest_but(main_, kept);
  }
  if (victim == no_slot) victim = oldest_but(window_, kept);
  if (victim == no_slot) victim = kept;
  if (victim == no_slot) return victim;
  if (!in_main(victim)) {
    ghosts_.fit(size());
    remember(victim, age_epochs(victim));
  }
  remove(victim);
  return victim;
}

template <policy_records Records>
void region_order<Records>::erase(slot_number slot) noexcept {
  // What was invalidated or has expired usually comes back with another value. A proven entry then
  // need not prove itself again: its ghost is as young as can be.
  if (in_main(slot)) remember(slot, 0);
  remove(slot);
}

template <policy_records Records>
void region_order<Records>::reweigh(slot_number slot, std::uint64_t before) noexcept {
  (in_main(slot) ? main_ : window_).reweigh(before, records_.weight(slot));
}

template <policy_records Records>
void region_order<Records>::reshape(const order_shape& shape) noexcept {
  shape_ = shape;
  const double share = static_cast<double>(capacity_) * shape.window_share;
  window_capacity_ = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(share));
  window_shrinks_ = window_.weight() > window_capacity_;
}

template <policy_records Records>
void region_order<Records>::resize(std::uint64_t capacity) noexcept {
  capacity_ = capacity;
  reshape(shape_);
}

template <policy_records Records>
void region_order<Records>::clear() noexcept {
  window_ = {};
  main_ = {};
  fresh_ = no_slot;
  ghosts_.clear();
}

// The hand of the main region passes by an entry as often as it was used, that of the window only
// in some shapes; a region's oldest comes first in each round. The window's turn is before the main
// region's once newcomers fill it. What it promotes begins anew in the main region, behind all that
// is unused there.
template <policy_records Records>
std::uint16_t region_order<Records>::heat(slot_number slot) const noexcept {
  const bool window_is_first = window_.weight() >= window_capacity_;
  const unsigned uses = records_.uses(slot);
  unsigned turn = 2;
  if (in_main(slot)) {
    turn = 3 * uses + (window_is_first ? 1 : 0);
  } else if (uses < shape_.promotion_uses) {
    turn = (shape_.window_goes_round ? 3 * uses : 0) + (window_is_first ? 0 : 1);
  }
  return static_cast<std::uint16_t>(turn * 128 + (epoch_codes - age_epochs(slot)));
}

template <policy_records Records>
template <class Visit>
void region_order<Records>::visit_oldest(std::size_t entries, Visit&& visit) const {
  for (const list* region : {&window_, &main_}) {
    slot_number slot = region->oldest();
    for (std::size_t left = entries; left != 0 && slot != no_slot; --left) {
      visit(slot);
      slot = records_.newer(slot);
    }
  }
}

template <policy_records Records>
template <class Visit>
void region_order<Records>::visit_newest(std::size_t entries, Visit&& visit) const {
  for (const list* region : {&main_, &window_}) {
    slot_number slot = region->newest();
    for (std::size_t left = entries; left != 0 && slot != no_slot; --left) {
      visit(slot);
      slot = records_.older(slot);
    }
  }
}

template <policy_records Records>
void region_order<Records>::validate() const noexcept {
  window_.validate(records_);
  main_.validate(records_);
  for (slot_number slot = window_.oldest(); slot != no_slot; slot = records_.newer(slot)) {
    LODESTAR_ASSERT(!in_main(slot), "an entry knows its region");
  }
  bool fresh = false;
  std::uint32_t age = 2 * epoch_codes;
  for (slot_number slot = main_.oldest(); slot != no_slot; slot = records_.newer(slot)) {
    fresh = fresh || slot == fresh_;
    LODESTAR_ASSERT(in_main(slot), "an entry knows its region");
    LODESTAR_ASSERT(fresh != ((records_.region(slot) & code_mask) == ancient),
                    "exactly the oldest are marked, up to the hand");
    LODESTAR_ASSERT(age_epochs(slot) <= age, "the main region is in the order of placement");
    age = age_epochs(slot);
  }
  LODESTAR_ASSERT(fresh == (fresh_ != no_slot), "the hand is in the main region");
}

template <policy_records Records>
std::uint32_t region_order<Records>::age_epochs(slot_number slot) const noexcept {
  const std::uint32_t code = records_.region(slot) & code_mask;
  if (code == ancient) return epoch_codes;
  return (epoch_ % epoch_codes + epoch_codes - code) % epoch_codes;
}

template <policy_records Records>
void region_order<Records>::count_miss() noexcept {
  if (--epoch_misses_left_ == 0) {
    ++epoch_;
    epoch_misses_left_ = std::max<std::size_t>(1, size() / epochs_per_turn);
  }
  mark_ancient();
  ghosts_.sweep(epoch_);
}

template <policy_records Records>
void region_order<Records>::mark_ancient() noexcept {
  // Two a miss reach all of them before their epochs come round again.
  for (unsigned step = 0; step < move_steps && fresh_ != no_slot; ++step) {
    if (age_epochs(fresh_) < ancient_epochs) return;
    records_.set_region(fresh_, main_flag | ancient);
    fresh_ = records_.newer(fresh_);
  }
}

template <policy_records Records>
void region_order<Records>::push_window(slot_number slot) noexcept {
  records_.set_region(slot, static_cast<std::uint8_t>(epoch_ % epoch_codes));
  window_.push_newest(records_, slot);
}

template <policy_records Records>
void region_order<Records>::push_main(slot_number slot) noexcept {
  records_.set_region(slot, static_cast<std::uint8_t>(main_flag | (epoch_ % epoch_codes)));
  main_.push_newest(records_, slot);
  if (fresh_ == no_slot) fresh_ = slot;
}

template <policy_records Records>
void region_order<Records>::remove(slot_number slot) noexcept {
  if (slot == fresh_) fresh_ = records_.newer(slot);
  (in_main(slot) ? main_ : window_).remove(records_, slot);
}

template <policy_records Records>
void region_order<Records>::go_round(list& region) noexcept {
  const slot_number slot = region.oldest();
  const std::uint8_t uses = records_.uses(slot);
  if (uses != 0) records_.set_uses(slot, static_cast<std::uint8_t>(uses - 1));
  remove(slot);
  if (&region == &main_ && !window_starves()) {
    push_main(slot);
  } else {
    push_window(slot);
  }
}

template <policy_records Records>
void region_order<Records>::move_to_main() noexcept {
  for (unsigned step = 0; step < move_steps; ++step) {
    if (window_.weight() <= window_capacity_ || window_.size() == 1) return;
    const slot_number slot = window_.oldest();
    remove(slot);
    push_main(slot);
  }
}

template <policy_records Records>
void region_order<Records>::fill_main() noexcept {
  const slot_number oldest = window_.oldest();
  if (oldest == no_slot || weight() > capacity_) return;
  // A heavy entry leaves a gap when it goes, and must not be let in by the gap of its like.
  if (weight() + records_.weight(oldest) > capacity_ + window_capacity_) return;
  move_to_main();
}

template <policy_records Records>
void region_order<Records>::move_surplus(slot_number newcomer) noexcept {
  const std::uint64_t added = newcomer == no_slot ? 0 : records_.weight(newcomer);
  window_shrinks_ = window_.weight() > window_capacity_ + added;
  if (window_shrinks_) move_to_main();
}

template <policy_records Records>
bool region_order<Records>::find_unused_in_main() noexcept {
  for (unsigned step = 0; step < scan_steps_max && !main_.empty(); ++step) {
    if (records_.uses(main_.oldest()) == 0) return true;
    go_round(main_);
  }
  return main_.empty();
}

template <policy_records Records>
bool region_order<Records>::admits(std::uint32_t ghost_age_epochs) noexcept {
  if (shape_.ghost_age_factor == 0 || !find_unused_in_main()) return false;
  if (main_.empty()) return true;
  return shape_.ghost_age_factor * ghost_age_epochs < age_epochs(main_.oldest());
}

template <policy_records Records>
bool region_order<Records>::main_is_stale() noexcept {
  if (++stale_turn_ % stale_turns != 0 || !find_unused_in_main() || main_.empty()) return false;
  return age_epochs(main_.oldest()) >= ancient_epochs;
}

template <policy_records Records>
slot_number region_order<Records>::window_victim(slot_number kept) noexcept {
  for (unsigned step = 0; step < scan_steps_max; ++step) {
    const slot_number oldest = window_.oldest();
    if (window_.weight() <= window_capacity_ || oldest == kept) return no_slot;
    const std::uint8_t uses = records_.uses(oldest);
    if (uses >= shape_.promotion_uses) {
      remove(oldest);
      records_.set_uses(oldest, 0);
      push_main(oldest);
    } else if (uses != 0 && shape_.window_goes_round) {
      go_round(window_);
    } else if (main_is_stale()) {
      remove(oldest);
      push_main(oldest);
      return no_slot;
    } else {
      return oldest;
    }
  }
  return oldest_but(window_, kept);
}

template <policy_records Records>
slot_number region_order<Records>::oldest_but(const list& region, slot_number kept) const noexcept {
  const slot_number oldest = region.oldest();
  return oldest != no_slot && oldest == kept ? records_.newer(oldest) : oldest;
}

}  // namespace lodestar::cache::detail
