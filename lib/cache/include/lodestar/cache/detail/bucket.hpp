// One cache line of the index: up to 15 slots, each one byte of the hash (the tag, never 0) and a
// 24-bit number, and a version.
//
//   byte 0…14   tags; 0 is an empty slot
//   byte 15     the upper 8 bits of the number in slot 14
//   byte 16…29  the upper 8 bits of the numbers in slots 0…13
//   byte 30…59  the lower 16 bits of the numbers
//   byte 60…63  version: bit 0 a change is under way, bit 1 slot 14 is a link, above them a counter
//
// Each part is an atomic of its own size, so that a number is two loads and no shifting; the tags
// and byte 15 are two words, which a reader compares at once.
//
// A full bucket is continued in another one: slot 14 then holds the number of that bucket. The
// version of the first bucket of such a chain covers all of them.
//
// One thread at a time writes (the caller's lock); any number reads meanwhile. A reader that found
// nothing compares the version of the first bucket before and after, and looks again when it moved
// (a sequence lock: H. Boehm, "Can seqlocks get along with programming language memory models?",
// 2012; every load of the scan acquires, every store of the writer releases, so no fence is
// needed). What a reader finds may be out of date: it checks the record itself.
#pragma once

#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <lodestar/base/atomics.hpp>
#include <lodestar/base/inline.hpp>

namespace lodestar::cache::detail {

static_assert(std::endian::native == std::endian::little, "the layout is that of the words");

/// A set of slots, the lowest first.
class slot_set {
 public:
  explicit slot_set(std::uint32_t bits) noexcept : bits_(bits) {}
  [[nodiscard]] bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] unsigned first() const noexcept {
    return static_cast<unsigned>(std::countr_zero(bits_));
  }
  void drop_first() noexcept { bits_ &= bits_ - 1; }

 private:
  std::uint32_t bits_;
};

/// A tag in each byte of a word: made once for all buckets that are looked at. (A single byte that
/// the compiler keeps on the stack is dear to load into a vector.)
struct wanted_tag {
  constexpr explicit wanted_tag(std::uint8_t tag) noexcept
      : repeated(tag * 0x0101'0101'0101'0101U) {}
  std::uint64_t repeated;
};
inline constexpr wanted_tag no_tag{0};

template <class Atomics = std_atomics>
class alignas(64) bucket {
 public:
  static constexpr unsigned slots = 15;
  static constexpr unsigned link_slot = 14;
  static constexpr std::uint32_t numbers_max = 0xff'ffff;

  /// The version, and after it the words that hold the tags, as they were at one moment each.
  struct tags {
    std::uint32_t seen_version;
    std::uint64_t words[2];
    [[nodiscard]] std::uint32_t version() const noexcept { return seen_version; }
    [[nodiscard]] bool changing() const noexcept { return (version() & 1U) != 0; }
    [[nodiscard]] bool linked() const noexcept { return (version() & 2U) != 0; }
    /// The slots with this tag; the link is none.
    [[nodiscard]] slot_set matching(wanted_tag tag) const noexcept;
    [[nodiscard]] unsigned used() const noexcept;
    [[nodiscard]] std::uint8_t tag(unsigned slot) const noexcept {
      return static_cast<std::uint8_t>(words[slot / 8] >> slot % 8 * 8);
    }
  };

  [[nodiscard]] LODESTAR_ALWAYS_INLINE tags read_tags() const noexcept {
    return {version(),
            {tags_[0].load(std::memory_order_acquire),
             tags_[1].load(std::memory_order_acquire)}};  // in the order of the list
  }
  [[nodiscard]] LODESTAR_ALWAYS_INLINE std::uint32_t version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }
  /// `seen`: the tags by which the slot was chosen.
  [[nodiscard]] LODESTAR_ALWAYS_INLINE std::uint32_t number(unsigned slot,
                                                            const tags& seen) const noexcept {
    // The last slot is filled last: few entries are in it.
    const std::uint32_t upper = slot != last_slot ? upper_[slot].load(std::memory_order_acquire)
                                                  : std::uint32_t(seen.words[1] >> 56U);
    return upper << 16U | lower_[slot].load(std::memory_order_acquire);
  }

  // For the one that writes. Between begin_change() and end_change() of the first bucket of a
  // chain:
  void begin_change() noexcept {
    version_.store(version_.load(std::memory_order_relaxed) | 1U, std::memory_order_relaxed);
  }
  void end_change() noexcept {
    // Clears bit 0 and counts above bit 1.
    version_.store(version_.load(std::memory_order_relaxed) + 3, std::memory_order_release);
  }
  /// The highest slot in use, of an unlinked bucket that is not empty.
  [[nodiscard]] unsigned last_used() const noexcept;
  void set(unsigned slot, std::uint8_t tag, std::uint32_t number) noexcept;
  void clear(unsigned slot) noexcept { put_tag(slot, 0, 0xffU); }
  void link(std::uint32_t next) noexcept;
  void unlink() noexcept;
  /// Empties the bucket, whoever reads it.
  void reset() noexcept;

 private:
  template <class T>
  using atomic = typename Atomics::template atomic<T>;
  static constexpr unsigned last_slot = slots - 1;

  /// Sets the tag, or with a mask of two bytes the tag of the last slot and what follows it.
  void put_tag(unsigned slot, std::uint64_t bits, std::uint64_t mask) noexcept;

  atomic<std::uint64_t> tags_[2]{};
  atomic<std::uint8_t> upper_[last_slot]{};
  atomic<std::uint16_t> lower_[slots]{};
  atomic<std::uint32_t> version_{0};
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Atomics>
slot_set bucket<Atomics>::tags::matching(wanted_tag tag) const noexcept {
  // The last byte is no tag.
  const std::uint32_t eligible = linked() ? 0x3fffU : 0x7fffU;
#if defined(__SSE2__)
  const __m128i each =
      _mm_set_epi64x(static_cast<long long>(words[1]), static_cast<long long>(words[0]));
  const __m128i same = _mm_cmpeq_epi8(each, _mm_set1_epi64x(static_cast<long long>(tag.repeated)));
  return slot_set(static_cast<std::uint32_t>(_mm_movemask_epi8(same)) & eligible);
#else
  std::uint32_t found = 0;
  for (unsigned slot = 0; slot < slots; ++slot) {
    found |= static_cast<std::uint32_t>((words[slot / 8] >> slot % 8 * 8 & 0xffU) ==
                                        (tag.repeated & 0xffU))
             << slot;
  }
  return slot_set(found & eligible);
#endif
}

template <class Atomics>
unsigned bucket<Atomics>::tags::used() const noexcept {
  unsigned count = 0;
  for (slot_set empty = matching(no_tag); !empty.empty(); empty.drop_first()) ++count;
  return (linked() ? link_slot : slots) - count;
}

template <class Atomics>
unsigned bucket<Atomics>::last_used() const noexcept {
  const tags present = read_tags();
  unsigned slot = last_slot;
  while (slot != 0 && present.tag(slot) == 0) --slot;
  return slot;
}

template <class Atomics>
void bucket<Atomics>::set(unsigned slot, std::uint8_t tag, std::uint32_t number) noexcept {
  const auto upper = static_cast<std::uint8_t>(number >> 16U);
  lower_[slot].store(static_cast<std::uint16_t>(number), std::memory_order_release);
  if (slot < last_slot) {
    upper_[slot].store(upper, std::memory_order_release);
    put_tag(slot, tag, 0xffU);
  } else {
    put_tag(slot, std::uint64_t{upper} << 8U | tag, 0xffffU);
  }
}

template <class Atomics>
void bucket<Atomics>::link(std::uint32_t next) noexcept {
  set(link_slot, 0xff, next);
  version_.store(version_.load(std::memory_order_relaxed) | 2U, std::memory_order_release);
}

template <class Atomics>
void bucket<Atomics>::unlink() noexcept {
  version_.store(version_.load(std::memory_order_relaxed) & ~2U, std::memory_order_release);
  clear(link_slot);
}

template <class Atomics>
void bucket<Atomics>::reset() noexcept {
  for (auto& each : tags_) each.store(0, std::memory_order_release);
  for (auto& each : upper_) each.store(0, std::memory_order_release);
  for (auto& each : lower_) each.store(0, std::memory_order_release);
  version_.store(0, std::memory_order_release);
}

template <class Atomics>
void bucket<Atomics>::put_tag(unsigned slot, std::uint64_t bits, std::uint64_t mask) noexcept {
  auto& place = tags_[slot / 8];
  const unsigned shift = slot % 8 * 8;
  place.store((place.load(std::memory_order_relaxed) & ~(mask << shift)) | bits << shift,
              std::memory_order_release);
}

}  // namespace lodestar::cache::detail
