// When entries expire: a hierarchical timer wheel over record numbers. Adding and removing costs
// the same however many there are; an entry moves down at most one level at a time as it comes
// near.
//
//   level   a bucket lasts   the level reaches
//   0       16 ms            1 s
//   1       1 s              67 s
//   2       67 s             72 min
//   3       72 min           3 days
//   4       3 days           203 days, and what is later waits in its last bucket
//
// An entry comes due up to one bucket of level 0 after its time, never before: the record itself
// knows the exact time. A record whose time was moved to a later one may stay where it is: the
// wheel looks at the record when its bucket is reached.
//
// Source: G. Varghese, A. Lauck, "Hashed and hierarchical timing wheels" (SOSP 1987).
//
// Not thread-safe: the caller's lock.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>

#include <lodestar/base/assert.hpp>
#include <lodestar/cache/detail/record.hpp>
#include <lodestar/cache/detail/record_store.hpp>

namespace lodestar::cache::detail {

/// Records: has at(number).timer_next(), .set_timer_next(), .expires(), and timer_previous(number).
template <class Records>
class timer_wheel {
 public:
  explicit timer_wheel(Records& records) noexcept : records_(records) { heads_.fill(no_number); }

  void add(std::uint32_t number, ticks expires) noexcept;
  void remove(std::uint32_t number) noexcept;

  /// Takes out a record that expires at `now` or before; nothing when there is none that the wheel
  /// knows of. Time does not run backwards.
  [[nodiscard]] std::optional<std::uint32_t> take_due(ticks now) noexcept;
  /// When take_due() may find something next; nothing when the wheel is empty.
  [[nodiscard]] std::optional<ticks> next_due() const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Ends the process when a link is broken; returns how many there are. For tests.
  std::size_t validate() const;

 private:
  static constexpr unsigned levels = 5;
  static constexpr unsigned level_bits = 6;
  static constexpr unsigned buckets = 1U << level_bits;
  static constexpr unsigned tick_bits = 14;
  // A "previous" with this bit names the bucket whose first record it is.
  static constexpr std::uint32_t head_mark = 0x8000'0000U;

  [[nodiscard]] static constexpr unsigned shift(unsigned level) noexcept {
    return tick_bits + level * level_bits;
  }
  /// The bucket for a time, as seen from now_.
  [[nodiscard]] std::uint32_t bucket_for(ticks expires) const noexcept;
  void push(std::uint32_t bucket, std::uint32_t number) noexcept;
  void advance(ticks now) noexcept;
  /// The first bucket that time has reached and that is not empty.
  [[nodiscard]] std::optional<std::uint32_t> reached() noexcept;

  Records& records_;
  std::array<std::uint32_t, levels * buckets> heads_;
  std::array<std::uint64_t, levels> filled_{};  // a bit for each bucket that is not empty
  // Of each level: the buckets from here up to there have been reached and are not emptied yet.
  std::array<std::uint64_t, levels> from_{}, until_{};
  ticks now_ = 0;
  std::size_t size_ = 0;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Records>
std::uint32_t timer_wheel<Records>::bucket_for(ticks expires) const noexcept {
  const ticks due = std::max(expires, now_);
  for (unsigned level = 0; level < levels; ++level) {
    if (due - now_ >= ticks{1} << shift(level + 1)) continue;
    return level * buckets + static_cast<std::uint32_t>(due >> shift(level)) % buckets;
  }
  // Beyond the wheel: the bucket of its top level that is reached last.
  return (levels - 1) * buckets + static_cast<std::uint32_t>(now_ >> shift(levels - 1)) % buckets;
}

template <class Records>
void timer_wheel<Records>::add(std::uint32_t number, ticks expires) noexcept {
  push(bucket_for(expires), number);
  ++size_;
}

template <class Records>
void timer_wheel<Records>::push(std::uint32_t bucket, std::uint32_t number) noexcept {
  const std::uint32_t old = heads_[bucket];
  records_.at(number).set_timer_next(old);
  records_.timer_previous(number) = head_mark | bucket;
  if (old != no_number) records_.timer_previous(old) = number;
  heads_[bucket] = number;
  filled_[bucket / buckets] |= std::uint64_t{1} << bucket % buckets;
}

template <class Records>
void timer_wheel<Records>::remove(std::uint32_t number) noexcept {
  const std::uint32_t previous = records_.timer_previous(number);
  const std::uint32_t next = records_.at(number).timer_next();
  if (next != no_number) records_.timer_previous(next) = previous;
  if ((previous & head_mark) == 0) {
    records_.at(previous).set_timer_next(next);
  } else {
    const std::uint32_t bucket = previous & ~head_mark;
    heads_[bucket] = next;
    if (next == no_number) filled_[bucket / buckets] &= ~(std::uint64_t{1} << bucket % buckets);
  }
  --size_;
}

template <class Records>
void timer_wheel<Records>::advance(ticks now) noexcept {
  if (now <= now_) return;
  for (unsigned level = 0; level < levels; ++level) {
    // Level 0 waits until a bucket is over, so that all of it is due; the others spread a bucket
    // over the levels below when it begins.
    const std::uint64_t begun = level == 0 ? 0 : 1;
    const std::uint64_t was = (now_ >> shift(level)) + begun;
    const std::uint64_t is = (now >> shift(level)) + begun;
    if (from_[level] == until_[level]) from_[level] = was;
    until_[level] = is;
    from_[level] = std::max(from_[level], is - std::min<std::uint64_t>(is, buckets));
  }
  now_ = now;
}

template <class Records>
std::optional<std::uint32_t> timer_wheel<Records>::reached() noexcept {
  for (unsigned level = levels; level-- > 0;) {
    for (; from_[level] < until_[level]; ++from_[level]) {
      const auto index = static_cast<std::uint32_t>(from_[level] % buckets);
      if ((filled_[level] >> index & 1U) != 0) return level * buckets + index;
    }
  }
  return std::nullopt;
}

template <class Records>
std::optional<std::uint32_t> timer_wheel<Records>::take_due(ticks now) noexcept {
  advance(now);
  while (const auto bucket = reached()) {
    std::uint32_t number = heads_[*bucket];
    while (number != no_number) {
      const std::uint32_t next = records_.at(number).timer_next();
      const ticks expires = records_.at(number).expires();
      if (expires <= now_) {
        remove(number);
        return number;
      }
      // What stays is due when the wheel has turned once more.
      if (bucket_for(expires) != *bucket) {
        remove(number);
        add(number, expires);
      }
      number = next;
    }
    ++from_[*bucket / buckets];
  }
  return std::nullopt;
}

template <class Records>
std::optional<ticks> timer_wheel<Records>::next_due() const noexcept {
  std::optional<ticks> earliest;
  const auto consider = [&earliest](ticks when) {
    if (!earliest || when < *earliest) earliest = when;
  };
  for (unsigned level = 0; level < levels; ++level) {
    if (filled_[level] == 0) continue;
    if (from_[level] != until_[level]) consider(now_);
    const std::uint64_t begin = (now_ >> shift(level)) + (level == 0 ? 0 : 1);
    const auto turned = std::rotr(filled_[level], static_cast<int>(begin % buckets));
    const std::uint64_t bucket = begin + static_cast<unsigned>(std::countr_zero(turned));
    consider((bucket + (level == 0 ? 1 : 0)) << shift(level));
  }
  return earliest;
}

template <class Records>
std::size_t timer_wheel<Records>::validate() const {
  std::size_t count = 0;
  for (std::uint32_t bucket = 0; bucket < heads_.size(); ++bucket) {
    LODESTAR_ASSERT(
        (filled_[bucket / buckets] >> bucket % buckets & 1U) == (heads_[bucket] != no_number),
        "the wheel knows which buckets are empty");
    std::uint32_t previous = head_mark | bucket;
    for (std::uint32_t number = heads_[bucket]; number != no_number;
         number = records_.at(number).timer_next()) {
      LODESTAR_ASSERT(records_.timer_previous(number) == previous, "the wheel is linked both ways");
      LODESTAR_ASSERT(records_.at(number).alive(), "the wheel holds living records");
      previous = number;
      ++count;
    }
  }
  LODESTAR_ASSERT(count == size_, "the wheel counts right");
  return count;
}

}  // namespace lodestar::cache::detail
