// One cache line of the index: up to 15 slots, each one byte of the hash (the tag, never 0) and a
// 24-bit number, and a version.
//
//   byte 0…14   tags; 0 is an empty slot
//   byte 15…29  the upper 8 bits of the numbers
//   byte 30…59  the lower 16 bits of the numbers
//   byte 60…63  version: bit 0 a change is under way, bit 1 slot 14 is a link, above them a counter
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
  };

  [[nodiscard]] LODESTAR_ALWAYS_INLINE tags read_tags() const noexcept {
    return {version(), {word(0), word(1)}};  // in this order: a braced list is
  }
  [[nodiscard]] LODESTAR_ALWAYS_INLINE std::uint32_t version() const noexcept {
    return static_cast<std::uint32_t>(word(version_word) >> version_shift);
  }
  [[nodiscard]] LODESTAR_ALWAYS_INLINE std::uint32_t number(unsigned slot) const noexcept {
    return static_cast<std::uint32_t>(byte_at(high_byte + slot) & 0xffU) << 16U |
           static_cast<std::uint32_t>(byte_at(low_byte + 2 * slot) & 0xffffU);
  }

  [[nodiscard]] std::uint8_t tag(unsigned slot) const noexcept {
    return static_cast<std::uint8_t>(byte_at(tag_byte + slot));
  }

  // For the one that writes. Between begin_change() and end_change() of the first bucket of a
  // chain:
  void begin_change() noexcept {
    auto& place = words_[version_word];
    place.store(place.load(std::memory_order_relaxed) | std::uint64_t{1} << version_shift,
                std::memory_order_relaxed);
  }
  void end_change() noexcept {
    // Clears bit 0 and counts above bit 1.
    auto& place = words_[version_word];
    place.store(place.load(std::memory_order_relaxed) + (std::uint64_t{3} << version_shift),
                std::memory_order_release);
  }
  /// The highest slot in use, of an unlinked bucket that is not empty.
  [[nodiscard]] unsigned last_used() const noexcept;
  void set(unsigned slot, std::uint8_t tag, std::uint32_t number) noexcept;
  void clear(unsigned slot) noexcept { put(tag_byte + slot, 0, 0xffU); }
  void link(std::uint32_t next) noexcept;
  void unlink() noexcept;
  /// Empties the bucket, whoever reads it.
  void reset() noexcept;

 private:
  static constexpr unsigned tag_byte = 0, high_byte = 15, low_byte = 30;
  static constexpr unsigned version_word = 7, version_shift = 32;

  [[nodiscard]] std::uint64_t word(unsigned index) const noexcept {
    return words_[index].load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t byte_at(unsigned byte) const noexcept {
    return word(byte / 8) >> byte % 8 * 8;
  }
  void put(unsigned byte, std::uint64_t bits, std::uint64_t mask) noexcept;

  typename Atomics::template atomic<std::uint64_t> words_[8]{};
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
  unsigned slot = slots - 1;
  while (slot != 0 && tag(slot) == 0) --slot;
  return slot;
}

template <class Atomics>
void bucket<Atomics>::set(unsigned slot, std::uint8_t tag, std::uint32_t number) noexcept {
  put(high_byte + slot, number >> 16U, 0xffU);
  put(low_byte + 2 * slot, number & 0xffffU, 0xffffU);
  put(tag_byte + slot, tag, 0xffU);
}

template <class Atomics>
void bucket<Atomics>::link(std::uint32_t next) noexcept {
  set(link_slot, 0xff, next);
  auto& place = words_[version_word];
  place.store(place.load(std::memory_order_relaxed) | std::uint64_t{2} << version_shift,
              std::memory_order_release);
}

template <class Atomics>
void bucket<Atomics>::unlink() noexcept {
  auto& place = words_[version_word];
  place.store(place.load(std::memory_order_relaxed) & ~(std::uint64_t{2} << version_shift),
              std::memory_order_release);
  clear(link_slot);
}

template <class Atomics>
void bucket<Atomics>::reset() noexcept {
  for (auto& each : words_) each.store(0, std::memory_order_release);
}

template <class Atomics>
void bucket<Atomics>::put(unsigned byte, std::uint64_t bits, std::uint64_t mask) noexcept {
  auto& place = words_[byte / 8];
  const unsigned shift = byte % 8 * 8;
  place.store((place.load(std::memory_order_relaxed) & ~(mask << shift)) | bits << shift,
              std::memory_order_release);
}

}  // namespace lodestar::cache::detail
