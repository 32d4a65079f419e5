// The bytes of a snapshot: docs/formats/cache_snapshot.md. Neither side knows of a cache.
//
// Thread-safety: none; one thread writes or reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <lodestar/base/error.hpp>

namespace lodestar::cache {

/// Takes all of the bytes.
using byte_sink = std::function<result<void>(std::string_view bytes)>;
/// Fills the beginning of the place; returns how much of it, 0 only at the end.
using byte_source = std::function<result<std::size_t>(std::span<char> place)>;

namespace detail {

struct snapshot_header {
  std::int64_t saved_wall_us = 0;
  std::uint64_t key_format = 0;
  std::uint64_t value_format = 0;
  std::uint64_t weight = 0;  ///< Of all entries, about.
  bool weighed = false;      ///< Whether that is not their number.
  std::uint8_t shape = 0;    ///< That the eviction policy has learnt to prefer.
};

/// What is known of an entry besides its key and value. Times in microseconds at the time of
/// saving.
struct snapshot_entry {
  static constexpr std::uint64_t never_us = ~std::uint64_t{0};

  std::uint64_t left_us = never_us;      ///< Until it expires.
  std::uint64_t time_max_us = never_us;  ///< Until it does however often it is used.
  std::uint64_t age_us = 0;              ///< Since its last write, as far as it is known.
  std::uint64_t weight = 1;
  std::uint8_t uses = 0;
  bool proven = false;  ///< Whether it was in the policy's main region.
};

class snapshot_writer {
 public:
  static constexpr std::size_t block_bytes = 64 * 1024;
  static constexpr std::size_t entry_bytes_max = 64 * 1024 * 1024;

  explicit snapshot_writer(byte_sink sink) : sink_(std::move(sink)) {}

  [[nodiscard]] result<void> write_header(const snapshot_header& header);
  // An entry: begin_entry, the key appended to bytes(), end_key, the value, end_entry.
  void begin_entry(const snapshot_entry& entry);
  [[nodiscard]] std::string& bytes() noexcept { return entry_; }
  void end_key();
  /// False when the entry is too large and was left out.
  [[nodiscard]] result<bool> end_entry();
  [[nodiscard]] result<void> write_end();

  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return bytes_written_; }

 private:
  [[nodiscard]] result<void> write_block();
  /// With a checksum behind it.
  [[nodiscard]] result<void> write_checked(std::string& piece);

  byte_sink sink_;
  std::string block_;
  std::string entry_;
  std::uint32_t block_entries_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_written_ = 0;
  std::uint64_t checksum_ = 0;  // of the piece before
};

class snapshot_reader {
 public:
  /// The name is the snapshot's in errors.
  snapshot_reader(byte_source source, std::string name)
      : source_(std::move(source)), name_(std::move(name)) {}

  [[nodiscard]] result<snapshot_header> read_header();
  struct found {
    snapshot_entry entry;
    std::string_view key, value;  ///< Until the next call.
  };
  /// Nothing after the last one, when the snapshot is whole. Each comes from a block whose checksum
  /// is right.
  [[nodiscard]] result<std::optional<found>> next();
  /// When nothing may follow the snapshot.
  [[nodiscard]] result<void> expect_no_more();

  /// An error in the entry that next() returned last.
  [[nodiscard]] std::unexpected<error> fail_at_entry(const error& why) const;
  [[nodiscard]] std::unexpected<error> fail_at(std::uint64_t offset, error_code code,
                                               std::string message, std::string hint = {}) const;

 private:
  /// Appends so many bytes to the piece.
  [[nodiscard]] result<void> read_more(std::size_t bytes);
  /// The checksum behind the piece, which began at this offset, is right.
  [[nodiscard]] result<void> check_piece(std::uint64_t began);
  [[nodiscard]] result<bool> read_block();
  [[nodiscard]] result<found> parse_entry();
  [[nodiscard]] std::unexpected<error> fail_malformed(std::uint64_t offset) const;

  byte_source source_;
  std::string name_;
  std::string piece_;
  std::uint64_t piece_offset_ = 0;
  std::size_t position_ = 0;  // in the piece, of the next entry
  std::uint64_t entry_offset_ = 0;
  std::uint32_t block_entries_left_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t checksum_ = 0;
};

}  // namespace detail
}  // namespace lodestar::cache
