// Where the records are: numbered, in chunks that never move, with the columns beside them that
// only some caches need.
//
// Thread-safety: at() may be called from any thread with a number that an index has or had, and
// numbers_end(); everything else under the cache's lock. Chunks are freed with the store: a record
// that was given back stays memory of the right type, so a late reader sees that it is dead.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/atomics.hpp>
#include <lodestar/base/inline.hpp>
#include <lodestar/cache/detail/index_table.hpp>
#include <lodestar/cache/detail/limits.hpp>

namespace lodestar::cache::detail {

/// Which columns there are beside the records.
struct columns {
  bool hash = false;      ///< Where a key is dear to hash.
  bool weight = false;    ///< Where entries are weighed.
  bool timer = false;     ///< Where entries expire.
  bool deadline = false;  ///< Where entries expire after their last use, and at a fixed time.
  bool written = false;   ///< Where entries are refreshed.
};

template <class Record, class Atomics = std_atomics>
class record_store {
 public:
  /// At most `records_max` records will be taken at the same time.
  record_store(columns wanted, std::size_t records_max);
  ~record_store();
  record_store(const record_store&) = delete;
  record_store& operator=(const record_store&) = delete;

  [[nodiscard]] LODESTAR_ALWAYS_INLINE Record& at(std::uint32_t number) const noexcept {
    return *std::launder(reinterpret_cast<Record*>(chunk_of(number)) + place_of(number));
  }

  /// A dead record; no_number when there are records_max already. Throws std::bad_alloc.
  [[nodiscard]] std::uint32_t take();
  void give_back(std::uint32_t number) noexcept;
  /// Records beyond it that are taken stay taken.
  void set_records_max(std::size_t records_max) noexcept { records_max_ = records_max; }

  struct links {
    std::uint32_t newer = no_number, older = no_number;
  };
  [[nodiscard]] links& policy_links(std::uint32_t number) const noexcept {
    return cell<links>(number, links_offset_);
  }
  [[nodiscard]] std::uint64_t& hash(std::uint32_t number) const noexcept {
    return cell<std::uint64_t>(number, hash_offset_);
  }
  [[nodiscard]] std::uint64_t& weight(std::uint32_t number) const noexcept {
    return cell<std::uint64_t>(number, weight_offset_);
  }
  [[nodiscard]] std::uint64_t& deadline(std::uint32_t number) const noexcept {
    return cell<std::uint64_t>(number, deadline_offset_);
  }
  [[nodiscard]] std::uint64_t& written(std::uint32_t number) const noexcept {
    return cell<std::uint64_t>(number, written_offset_);
  }
  [[nodiscard]] std::uint32_t& timer_previous(std::uint32_t number) const noexcept {
    return cell<std::uint32_t>(number, timer_offset_);
  }

  /// Numbers below this one were taken at least once.
  [[nodiscard]] std::uint32_t numbers_end() const noexcept {
    return end_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return memory_bytes_ + directories_.capacity() * sizeof(directories_[0]);
  }

 private:
  static constexpr std::uint32_t chunk_records = limits::chunk_records;
  static constexpr std::align_val_t chunk_alignment{64};

  using slot = typename Atomics::template atomic<std::byte*>;

  [[nodiscard]] LODESTAR_ALWAYS_INLINE std::byte* chunk_of(std::uint32_t number) const noexcept {
    return chunks_.load(std::memory_order_acquire)[number >> chunk_bits_].load(
        std::memory_order_acquire);
  }
  [[nodiscard]] std::size_t place_of(std::uint32_t number) const noexcept {
    return number & chunk_mask_;
  }
  template <class T>
  [[nodiscard]] T& cell(std::uint32_t number, std::size_t offset) const noexcept {
    return *std::launder(reinterpret_cast<T*>(chunk_of(number) + offset) + place_of(number));
  }
  [[nodiscard]] std::size_t add_column(bool wanted, std::size_t cell_bytes) noexcept;
  void add_chunk();
  void add_directory(std::size_t slots);
  template <class T>
  void begin_column(std::byte* chunk, std::size_t offset) const noexcept;

  std::size_t records_max_;
  const unsigned chunk_bits_;       // of the number, within its chunk
  const std::uint32_t chunk_mask_;  // the same as a mask
  const std::size_t chunk_size_;    // records in a chunk: fewer in a small cache
  std::size_t chunk_bytes_ = 0;
  const std::size_t records_offset_, links_offset_, hash_offset_, weight_offset_, deadline_offset_,
      written_offset_, timer_offset_;
  typename Atomics::template atomic<slot*> chunks_{nullptr};
  // The directory in use and its predecessors, at which a reader may still look.
  std::vector<std::unique_ptr<slot[]>> directories_;
  std::size_t directory_slots_ = 0;
  std::size_t chunk_count_ = 0;
  typename Atomics::template atomic<std::uint32_t> end_{0};
  std::uint32_t free_ = no_number;  // linked through policy_links().newer
  std::size_t memory_bytes_ = 0;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Record, class Atomics>
record_store<Record, Atomics>::record_store(columns wanted, std::size_t records_max)
    : records_max_(records_max),
      chunk_bits_(static_cast<unsigned>(
          std::bit_width(std::clamp<std::size_t>(records_max, 1, chunk_records) - 1))),
      chunk_mask_((std::uint32_t{1} << chunk_bits_) - 1),
      chunk_size_(std::size_t{1} << chunk_bits_),
      records_offset_(add_column(true, sizeof(Record))),
      links_offset_(add_column(true, sizeof(links))),
      hash_offset_(add_column(wanted.hash, sizeof(std::uint64_t))),
      weight_offset_(add_column(wanted.weight, sizeof(std::uint64_t))),
      deadline_offset_(add_column(wanted.deadline, sizeof(std::uint64_t))),
      written_offset_(add_column(wanted.written, sizeof(std::uint64_t))),
      timer_offset_(add_column(wanted.timer, sizeof(std::uint32_t))) {
  LODESTAR_ASSERT(records_offset_ == 0, "at() looks for the records at the beginning");
}

template <class Record, class Atomics>
record_store<Record, Atomics>::~record_store() {
  slot* const chunks = chunks_.load(std::memory_order_acquire);
  for (std::size_t index = 0; index < chunk_count_; ++index)
    ::operator delete(chunks[index].load(std::memory_order_acquire), chunk_alignment);
}

template <class Record, class Atomics>
std::size_t record_store<Record, Atomics>::add_column(bool wanted,
                                                      std::size_t cell_bytes) noexcept {
  if (!wanted) return 0;
  const std::size_t aligned = (chunk_bytes_ + 7) / 8 * 8;
  chunk_bytes_ = aligned + cell_bytes * chunk_size_;
  return aligned;
}

template <class Record, class Atomics>
std::uint32_t record_store<Record, Atomics>::take() {
  if (free_ != no_number) return std::exchange(free_, policy_links(free_).newer);
  const std::uint32_t number = end_.load(std::memory_order_relaxed);
  if (number >= records_max_) return no_number;
  if (number >> chunk_bits_ == chunk_count_) add_chunk();
  end_.store(number + 1, std::memory_order_release);
  return number;
}

template <class Record, class Atomics>
void record_store<Record, Atomics>::give_back(std::uint32_t number) noexcept {
  LODESTAR_ASSERT(!at(number).alive(), "only what is dead is given back");
  policy_links(number).newer = std::exchange(free_, number);
}

template <class Record, class Atomics>
void record_store<Record, Atomics>::add_chunk() {
  if (chunk_count_ == directory_slots_)
    add_directory(std::max<std::size_t>(2 * directory_slots_, 8));
  auto* const added = static_cast<std::byte*>(::operator new(chunk_bytes_, chunk_alignment));
  begin_column<Record>(added, records_offset_);
  begin_column<links>(added, links_offset_);
  if (hash_offset_ != 0) begin_column<std::uint64_t>(added, hash_offset_);
  if (weight_offset_ != 0) begin_column<std::uint64_t>(added, weight_offset_);
  if (deadline_offset_ != 0) begin_column<std::uint64_t>(added, deadline_offset_);
  if (written_offset_ != 0) begin_column<std::uint64_t>(added, written_offset_);
  if (timer_offset_ != 0) begin_column<std::uint32_t>(added, timer_offset_);
  chunks_.load(std::memory_order_relaxed)[chunk_count_++].store(added, std::memory_order_release);
  memory_bytes_ += chunk_bytes_;
}

template <class Record, class Atomics>
void record_store<Record, Atomics>::add_directory(std::size_t slots) {
  directories_.reserve(directories_.size() + 1);
  directories_.push_back(std::make_unique<slot[]>(slots));
  slot* const made = directories_.back().get();
  const slot* const old = chunks_.load(std::memory_order_relaxed);
  for (std::size_t index = 0; index < chunk_count_; ++index)
    made[index].store(old[index].load(std::memory_order_relaxed), std::memory_order_relaxed);
  chunks_.store(made, std::memory_order_release);
  directory_slots_ = slots;
  memory_bytes_ += slots * sizeof(slot);
}

template <class Record, class Atomics>
template <class T>
void record_store<Record, Atomics>::begin_column(std::byte* chunk,
                                                 std::size_t offset) const noexcept {
  std::uninitialized_value_construct_n(reinterpret_cast<T*>(chunk + offset), chunk_size_);
}

}  // namespace lodestar::cache::detail
