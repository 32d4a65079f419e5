// Ghosts: which keys were evicted not long ago, and when they had been inserted.
//
// About two ghosts for each entry of the cache, two bytes each: ten bits of the hash and six bits
// of time. A ghost lives in a bucket of eight, where a newer one replaces the oldest. Eight
// fingerprints of ten bits make one look-up in 128 find a ghost that is not there; such a key is
// merely taken for one that came back.
//
// Time is a count of epochs, kept modulo 64. A ghost is forgotten after 32, so that no age is
// ambiguous: sweep() runs over all buckets more often than that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <lodestar/cache/detail/policy_records.hpp>

namespace lodestar::cache::detail {

class ghost_table {
 public:
  static constexpr std::uint32_t age_epochs_max = 32;

  /// Keeps what it knows unless the number of entries has become quite another one.
  void fit(std::size_t entries);
  void clear() noexcept;

  /// A key with this spread hash was evicted, `age_epochs` after it had been inserted.
  void remember(std::uint64_t hash, std::uint32_t epoch, std::uint32_t age_epochs) noexcept;
  /// The age of the key's ghost, which is forgotten thereby; nothing when there is none.
  [[nodiscard]] std::optional<std::uint32_t> take(std::uint64_t hash, std::uint32_t epoch) noexcept;
  /// To be called once a miss: forgets what is too old, a little at a time.
  void sweep(std::uint32_t epoch) noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return buckets_.capacity() * sizeof(bucket);
  }

 private:
  static constexpr std::size_t bucket_ghosts = 8;
  static constexpr std::uint32_t stamp_bits = 6;
  static constexpr std::uint32_t stamp_mask = (1U << stamp_bits) - 1;
  static constexpr std::uint32_t sweep_misses = 4;  // for a bucket
  using ghost = std::uint16_t;                      // 0: none
  using bucket = std::array<ghost, bucket_ghosts>;

  [[nodiscard]] bucket& bucket_of(std::uint64_t hash) noexcept;
  /// Not 0: 0 is the empty place.
  [[nodiscard]] static std::uint32_t fingerprint_of(std::uint64_t hash) noexcept {
    return 1 + static_cast<std::uint32_t>((hash >> 16U) % 1023);
  }
  [[nodiscard]] static std::uint32_t age_of(ghost each, std::uint32_t epoch) noexcept {
    return (epoch - each) & stamp_mask;
  }

  std::vector<bucket> buckets_;
  std::size_t entries_ = 0;  // for so many it was made
  std::size_t swept_ = 0;
  std::uint32_t misses_ = 0;
};

inline void ghost_table::fit(std::size_t entries) {
  if (entries <= entries_ + entries_ / 4 && entries >= entries_ / 4) return;
  entries_ = entries;
  swept_ = 0;
  // Without the copy that assign() would make of the old places while the new ones exist.
  buckets_ = {};
  buckets_.resize(entries / 4 + 1);
  buckets_.shrink_to_fit();
}

inline void ghost_table::clear() noexcept {
  for (bucket& each : buckets_) each.fill(0);
}

inline void ghost_table::remember(std::uint64_t hash, std::uint32_t epoch,
                                  std::uint32_t age_epochs) noexcept {
  if (age_epochs > age_epochs_max || buckets_.empty()) return;
  bucket& home = bucket_of(hash);
  ghost* place = &home.front();
  for (ghost& each : home) {
    if (each == 0) {
      place = &each;
      break;
    }
    if (age_of(each, epoch) > age_of(*place, epoch)) place = &each;
  }
  *place = static_cast<ghost>((fingerprint_of(hash) << stamp_bits) |
                              ((epoch - age_epochs) & stamp_mask));
}

inline std::optional<std::uint32_t> ghost_table::take(std::uint64_t hash,
                                                      std::uint32_t epoch) noexcept {
  if (buckets_.empty()) return std::nullopt;
  const std::uint32_t fingerprint = fingerprint_of(hash);
  for (ghost& each : bucket_of(hash)) {
    if (std::uint32_t{each} >> stamp_bits != fingerprint) continue;
    const std::uint32_t age_epochs = age_of(each, epoch);
    each = 0;
    if (age_epochs > age_epochs_max) return std::nullopt;
    return age_epochs;
  }
  return std::nullopt;
}

inline void ghost_table::sweep(std::uint32_t epoch) noexcept {
  if (buckets_.empty() || ++misses_ % sweep_misses != 0) return;
  for (ghost& each : buckets_[swept_]) {
    if (each != 0 && age_of(each, epoch) > age_epochs_max) each = 0;
  }
  swept_ = swept_ + 1 == buckets_.size() ? 0 : swept_ + 1;
}

inline ghost_table::bucket& ghost_table::bucket_of(std::uint64_t hash) noexcept {
  // The high half times the number of buckets: its own high half is an even spread over them.
  return buckets_[static_cast<std::size_t>(((hash >> 32U) * buckets_.size()) >> 32U)];
}

}  // namespace lodestar::cache::detail
