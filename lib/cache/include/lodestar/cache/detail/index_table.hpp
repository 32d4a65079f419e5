// From a hash to the numbers of the records that may have it: an open hash table of cache lines
// (bucket.hpp) in segments that grow one by one, so that no insertion waits for the growth of the
// whole.
//
// The segment is chosen by the upper half of the hash, the bucket by its middle, the tag by its
// lowest byte. A segment doubles when its buckets are four fifths full. How many segments there are
// is decided at the beginning, from the number of entries to expect, so that their tables are well
// filled when it is reached: about 6.7 bytes an entry.
//
// Thread-safety: find() may be called from any thread that is pinned (epoch.hpp) while one other
// thread, the holder of the caller's lock, inserts and erases. A table that was outgrown is handed
// to `retire` of the caller, who frees it after a grace period.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/atomics.hpp>
#include <lodestar/base/inline.hpp>
#include <lodestar/cache/detail/bucket.hpp>
#include <lodestar/cache/detail/limits.hpp>
#include <lodestar/cache/detail/numbers.hpp>
#include <lodestar/cache/detail/wait.hpp>

namespace lodestar::cache::detail {

/// What somebody who is asked about a number knows at once. A number that was read while it changed
/// may be any of 24 bits.
enum class candidate : std::uint8_t { right, wrong, unclear };

template <class Atomics = std_atomics>
class index_table {
 public:
  using line = bucket<Atomics>;
  static constexpr std::uint32_t numbers_max = line::numbers_max;

  /// Buckets that a segment has outgrown.
  class outgrown {
   public:
    outgrown(line* lines, std::size_t bytes) noexcept : lines_(lines), bytes_(bytes) {}
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return bytes_; }

   private:
    struct release {
      void operator()(line* lines) const noexcept { index_table::release(lines); }
    };
    std::unique_ptr<line, release> lines_;
    std::size_t bytes_;
  };

  /// `entries_expected`: how many the tables should be sized for; more are fine.
  explicit index_table(std::size_t entries_expected);
  ~index_table();
  index_table(const index_table&) = delete;
  index_table& operator=(const index_table&) = delete;

  /// Calls is_it(number) for the records that may have the hash, until one is; that one, or
  /// no_number. The same number may be asked about again after a concurrent change.
  template <class IsIt>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsIt&& is_it) const;

  /// The same in one look at one line: is_it(number) → candidate; unclear_number when that does not
  /// tell, because of a change or of a chain.
  template <class IsIt>
  [[nodiscard]] std::uint32_t find_at_once(std::uint64_t hash, IsIt&& is_it) const;

  /// Under the caller's lock. The number is not in the table; hash_of(number) → hash, for growth;
  /// retire(outgrown&&). Throws std::bad_alloc and has then changed nothing.
  template <class HashOf, class Retire>
  void insert(std::uint64_t hash, std::uint32_t number, HashOf&& hash_of, Retire&& retire);
  /// Under the caller's lock. The number is in the table under this hash.
  void erase(std::uint64_t hash, std::uint32_t number) noexcept;

  /// Of all that is allocated, but not what was handed to retire.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }

  /// Calls visit(hash's segment, tag, number) for every entry. Under the caller's lock; for tests.
  template <class Visit>
  void for_each(Visit&& visit) const;

  [[nodiscard]] static std::uint8_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint8_t>(hash);
    return tag == 0 ? 1 : tag;
  }

 private:
  static constexpr std::uint32_t entries_per_line_max = 12;  // of 15: the table doubles then
  static constexpr std::uint32_t segment_lines_expected = limits::segment_lines;
  static constexpr std::uint32_t segments_max = 1U << 16U;

  /// What only the writer needs to know of a segment.
  struct bookkeeping {
    std::uint32_t entries = 0;
    std::uint32_t spare_used = 0;  // lines of the pool that were taken once
    std::uint32_t spare_free = 0;  // 1 + the first line of the chain of returned ones
    std::uint32_t spare_lines = 0;
  };
  /// Lines behind those that hashes lead to, for chains: one of nine is continued when a segment is
  /// as full as it becomes.
  [[nodiscard]] static std::uint32_t spare_lines(std::uint32_t lines) noexcept {
    return lines / 5 + 1;
  }
  struct table {
    line* lines = nullptr;
    unsigned bits = 0;  // of the bucket number
    [[nodiscard]] std::uint32_t count() const noexcept { return 1U << bits; }
    [[nodiscard]] line& home(std::uint64_t hash) const noexcept {
      return lines[static_cast<std::uint32_t>(hash >> 8U) & (count() - 1)];
    }
  };
  // A table as one word: lines are aligned to 64 bytes, the bits fit below.
  [[nodiscard]] static std::uintptr_t packed(const table& each) noexcept {
    return reinterpret_cast<std::uintptr_t>(each.lines) | each.bits;
  }
  [[nodiscard]] static table unpacked(std::uintptr_t word) noexcept {
    return {reinterpret_cast<line*>(word & ~std::uintptr_t{63}), static_cast<unsigned>(word & 63U)};
  }

  [[nodiscard]] std::uint32_t segment_of(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>((hash >> 32U) * segment_count_ >> 32U);
  }
  [[nodiscard]] table table_of(std::uint32_t segment) const noexcept {
    return unpacked(segments_.get()[segment].load(std::memory_order_acquire));
  }

  static void release(line* lines) noexcept {
    ::operator delete(static_cast<void*>(lines), std::align_val_t{alignof(line)});
  }
  [[nodiscard]] table allocate(unsigned bits);
  [[nodiscard]] static std::size_t bytes(unsigned bits) noexcept {
    return sizeof(line) * ((std::size_t{1} << bits) + spare_lines(1U << bits));
  }
  /// False when the chain needs a line and none is left.
  [[nodiscard]] static bool place(table& into, bookkeeping& book, std::uint64_t hash,
                                  std::uint32_t number) noexcept;
  [[nodiscard]] static std::uint32_t take_spare(table& from, bookkeeping& book) noexcept;
  static void give_spare(table& to, bookkeeping& book, std::uint32_t index) noexcept;
  template <class HashOf, class Retire>
  void grow(std::uint32_t segment, HashOf&& hash_of, Retire&& retire);
  template <class Visit>
  static void for_each_in(const table& each, Visit&& visit);

  std::uint32_t segment_count_;
  std::unique_ptr<typename Atomics::template atomic<std::uintptr_t>[]> segments_;
  std::unique_ptr<bookkeeping[]> books_;
  std::size_t memory_bytes_ = 0;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Atomics>
index_table<Atomics>::index_table(std::size_t entries_expected) {
  // 11.25 entries a line at the expected number: the spread over segments stays below the 12 at
  // which one doubles.
  const std::size_t segment_entries = std::size_t{segment_lines_expected} * 45 / 4;
  segment_count_ = static_cast<std::uint32_t>(std::clamp<std::size_t>(
      (entries_expected + segment_entries - 1) / segment_entries, 1, segments_max));
  segments_ = std::make_unique<typename Atomics::template atomic<std::uintptr_t>[]>(segment_count_);
  books_ = std::make_unique<bookkeeping[]>(segment_count_);
  memory_bytes_ = segment_count_ * (sizeof(segments_[0]) + sizeof(bookkeeping));
}

template <class Atomics>
index_table<Atomics>::~index_table() {
  for (std::uint32_t segment = 0; segment < segment_count_; ++segment)
    release(table_of(segment).lines);
}

template <class Atomics>
template <class IsIt>
LODESTAR_ALWAYS_INLINE inline std::uint32_t index_table<Atomics>::find_at_once(std::uint64_t hash,
                                                                               IsIt&& is_it) const {
  const table within = table_of(segment_of(hash));
  if (within.lines == nullptr) return no_number;
  const line& home = within.home(hash);
  const typename line::tags tags = home.read_tags();
  if (tags.changing()) [[unlikely]]
    return unclear_number;
  for (slot_set slots = tags.matching(wanted_tag(tag_of(hash))); !slots.empty();
       slots.drop_first()) {
    const std::uint32_t number = home.number(slots.first(), tags);
    const candidate answer = is_it(number);
    if (answer == candidate::right) [[likely]]
      return number;
    if (answer == candidate::unclear) return unclear_number;
  }
  return !tags.linked() && home.version() == tags.version() ? no_number : unclear_number;
}

template <class Atomics>
template <class IsIt>
std::uint32_t index_table<Atomics>::find(std::uint64_t hash, IsIt&& is_it) const {
  const wanted_tag tag(tag_of(hash));
  for (unsigned attempt = 0;; ++attempt) {
    if (attempt != 0) wait_briefly<Atomics>(attempt);
    const table within = table_of(segment_of(hash));
    if (within.lines == nullptr) return no_number;
    const line& home = within.home(hash);
    const line* at = &home;
    typename line::tags tags = at->read_tags();
    if (tags.changing()) continue;
    const std::uint32_t version = tags.version();
    // A number takes two loads: it is one that was there if nobody changed the chain meanwhile.
    bool whole = true;
    for (;;) {
      for (slot_set slots = tags.matching(tag); whole && !slots.empty(); slots.drop_first()) {
        const std::uint32_t number = at->number(slots.first(), tags);
        whole = home.version() == version;
        if (whole && is_it(number)) return number;
      }
      if (!whole || !tags.linked()) [[likely]]
        break;
      const std::uint32_t next = at->number(line::link_slot, tags);
      if (home.version() != version) break;
      at = within.lines + next;
      tags = at->read_tags();
    }
    if (home.version() == version) return no_number;
  }
}

template <class Atomics>
template <class HashOf, class Retire>
void index_table<Atomics>::insert(std::uint64_t hash, std::uint32_t number, HashOf&& hash_of,
                                  Retire&& retire) {
  const std::uint32_t segment = segment_of(hash);
  bookkeeping& book = books_[segment];
  table within = table_of(segment);
  while (within.lines == nullptr || book.entries >= entries_per_line_max * within.count() ||
         !place(within, book, hash, number)) {
    grow(segment, hash_of, retire);
    within = table_of(segment);
  }
  ++book.entries;
}

template <class Atomics>
bool index_table<Atomics>::place(table& into, bookkeeping& book, std::uint64_t hash,
                                 std::uint32_t number) noexcept {
  line& home = into.home(hash);
  line* last = &home;
  typename line::tags tags = last->read_tags();
  while (tags.linked()) {
    last = into.lines + last->number(line::link_slot, tags);
    tags = last->read_tags();
  }
  const slot_set empty = tags.matching(no_tag);
  if (!empty.empty()) {
    home.begin_change();
    last->set(empty.first(), tag_of(hash), number);
    home.end_change();
    return true;
  }
  const std::uint32_t spare = take_spare(into, book);
  if (spare == 0) return false;
  line& added = into.lines[spare];
  home.begin_change();
  // The last slot becomes the link: what it held moves over.
  added.set(0, tags.tag(line::link_slot), last->number(line::link_slot, tags));
  added.set(1, tag_of(hash), number);
  last->link(spare);
  home.end_change();
  return true;
}

template <class Atomics>
void index_table<Atomics>::erase(std::uint64_t hash, std::uint32_t number) noexcept {
  const std::uint32_t segment = segment_of(hash);
  table within = table_of(segment);
  LODESTAR_ASSERT(within.lines != nullptr, "what is erased was inserted");
  line& home = within.home(hash);
  line* found = nullptr;
  unsigned found_slot = 0;
  line* last = &home;
  line* before_last = nullptr;
  typename line::tags tags;
  for (line* at = &home;;) {
    tags = at->read_tags();
    for (slot_set slots = tags.matching(wanted_tag(tag_of(hash)));
         !slots.empty() && found == nullptr; slots.drop_first()) {
      if (at->number(slots.first(), tags) != number) continue;
      found = at;
      found_slot = slots.first();
    }
    last = at;
    if (!tags.linked()) break;
    before_last = at;
    at = within.lines + at->number(line::link_slot, tags);
  }
  LODESTAR_ASSERT(found != nullptr, "what is erased was inserted");
  home.begin_change();
  // The hole is filled from the end of the chain, so that only its last line has holes.
  if (found != last) {
    const unsigned from = last->last_used();
    found->set(found_slot, tags.tag(from), last->number(from, tags));
    last->clear(from);
  } else {
    found->clear(found_slot);
  }
  // One that is left fits where the link is: a chain that has grown once does not stay.
  tags = last->read_tags();
  if (before_last != nullptr && tags.used() == 1) {
    const unsigned left = last->last_used();
    const std::uint32_t number_left = last->number(left, tags);
    before_last->unlink();
    before_last->set(line::link_slot, tags.tag(left), number_left);
    last->clear(left);
    give_spare(within, books_[segment], static_cast<std::uint32_t>(last - within.lines));
  }
  home.end_change();
  --books_[segment].entries;
}

template <class Atomics>
std::uint32_t index_table<Atomics>::take_spare(table& from, bookkeeping& book) noexcept {
  if (book.spare_free != 0) {
    const std::uint32_t taken = book.spare_free;
    line& reused = from.lines[taken];
    book.spare_free = reused.number(0, reused.read_tags());
    reused.reset();
    return taken;
  }
  if (book.spare_used == book.spare_lines) return 0;
  return from.count() + book.spare_used++;
}

template <class Atomics>
void index_table<Atomics>::give_spare(table& to, bookkeeping& book, std::uint32_t index) noexcept {
  // No tag: a reader that still comes by finds nothing in it.
  to.lines[index].set(0, 0, book.spare_free);
  book.spare_free = index;
}

template <class Atomics>
auto index_table<Atomics>::allocate(unsigned bits) -> table {
  const std::size_t count = (std::size_t{1} << bits) + spare_lines(1U << bits);
  void* const memory = ::operator new(sizeof(line) * count, std::align_val_t{alignof(line)});
  auto* const lines = static_cast<line*>(memory);
  std::uninitialized_value_construct_n(lines, count);
  return {lines, bits};
}

template <class Atomics>
template <class HashOf, class Retire>
void index_table<Atomics>::grow(std::uint32_t segment, HashOf&& hash_of, Retire&& retire) {
  const table old = table_of(segment);
  table next;
  bookkeeping book;
  for (unsigned bits = old.lines == nullptr ? 0 : old.bits + 1;; ++bits) {
    LODESTAR_ASSERT(bits < 24, "hashes spread");
    next = allocate(bits);
    book = {.entries = books_[segment].entries, .spare_lines = spare_lines(next.count())};
    bool fits = true;
    if (old.lines != nullptr) {
      for_each_in(old, [&](std::uint8_t, std::uint32_t number) {
        fits = fits && place(next, book, hash_of(number), number);
      });
    }
    if (fits) break;
    release(next.lines);
  }
  memory_bytes_ += bytes(next.bits);
  books_[segment] = book;
  segments_[segment].store(packed(next), std::memory_order_release);
  if (old.lines == nullptr) return;
  memory_bytes_ -= bytes(old.bits);
  retire(outgrown(old.lines, bytes(old.bits)));
}

template <class Atomics>
template <class Visit>
void index_table<Atomics>::for_each_in(const table& each, Visit&& visit) {
  for (std::uint32_t index = 0; index < each.count(); ++index) {
    const line* at = each.lines + index;
    for (;;) {
      const auto tags = at->read_tags();
      for (unsigned slot = 0; slot < line::slots; ++slot) {
        if ((slot == line::link_slot && tags.linked()) || tags.tag(slot) == 0) continue;
        visit(tags.tag(slot), at->number(slot, tags));
      }
      if (!tags.linked()) break;
      at = each.lines + at->number(line::link_slot, tags);
    }
  }
}

template <class Atomics>
template <class Visit>
void index_table<Atomics>::for_each(Visit&& visit) const {
  for (std::uint32_t segment = 0; segment < segment_count_; ++segment) {
    const table each = table_of(segment);
    if (each.lines == nullptr) continue;
    for_each_in(each, [&](std::uint8_t tag, std::uint32_t number) { visit(segment, tag, number); });
  }
}

}  // namespace lodestar::cache::detail
