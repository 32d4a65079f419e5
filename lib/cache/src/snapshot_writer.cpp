#include <utility>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/hash.hpp>
#include <lodestar/cache/detail/snapshot_format.hpp>

#include "snapshot_bytes.hpp"

namespace lodestar::cache::detail {
namespace {

constexpr std::size_t key_length_offset = entry_length_bytes + entry_fixed_bytes - 4;

}  // namespace

result<void> snapshot_writer::write_header(const snapshot_header& header) {
  std::string bytes(snapshot_magic);
  append_number(bytes, snapshot_version);
  append_number(bytes, byte_order_here);
  append_number(bytes, static_cast<std::uint8_t>(header.weighed ? 1 : 0));
  append_number(bytes, header.shape);
  append_number(bytes, std::uint8_t{0});
  append_number(bytes, static_cast<std::uint64_t>(header.saved_wall_us));
  append_number(bytes, header.key_format);
  append_number(bytes, header.value_format);
  append_number(bytes, header.weight);
  return write_checked(bytes);
}

void snapshot_writer::begin_entry(const snapshot_entry& entry) {
  entry_.clear();
  append_number(entry_, std::uint32_t{0});  // its length
  append_number(entry_, entry.left_us);
  append_number(entry_, entry.time_max_us);
  append_number(entry_, entry.age_us);
  append_number(entry_, entry.weight);
  append_number(entry_, static_cast<std::uint8_t>(entry.uses | (entry.proven ? proven_flag : 0)));
  append_number(entry_, std::uint32_t{0});  // the key's length
}

void snapshot_writer::end_key() {
  const std::size_t begins = entry_length_bytes + entry_fixed_bytes;
  LODESTAR_ASSERT(entry_.size() >= begins, "a codec appends");
  // What does not fit into the number is too large: end_entry() sees to it.
  set_number(entry_, key_length_offset, static_cast<std::uint32_t>(entry_.size() - begins));
}

result<bool> snapshot_writer::end_entry() {
  LODESTAR_ASSERT(entry_.size() >= entry_length_bytes + entry_fixed_bytes, "a codec appends");
  if (entry_.size() > entry_bytes_max) {
    std::string().swap(entry_);
    return false;
  }
  set_number(entry_, 0, static_cast<std::uint32_t>(entry_.size() - entry_length_bytes));
  if (block_entries_ != 0 && block_.size() + entry_.size() > block_bytes) {
    if (auto written = write_block(); !written) return std::unexpected(written.error());
  }
  if (block_.empty()) block_.resize(block_header_bytes);
  block_ += entry_;
  ++block_entries_;
  ++entries_;
  return true;
}

result<void> snapshot_writer::write_end() {
  if (block_entries_ != 0) {
    if (auto written = write_block(); !written) return written;
  }
  std::string bytes(block_header_bytes, '\0');
  append_number(bytes, entries_);
  return write_checked(bytes);
}

result<void> snapshot_writer::write_block() {
  set_number(block_, 0, static_cast<std::uint32_t>(block_.size() - block_header_bytes));
  set_number(block_, 4, std::exchange(block_entries_, 0));
  auto written = write_checked(block_);
  block_.clear();
  return written;
}

result<void> snapshot_writer::write_checked(std::string& piece) {
  checksum_ = hash_bytes_64(piece, checksum_);
  append_number(piece, checksum_);
  bytes_written_ += piece.size();
  return sink_(piece);
}

}  // namespace lodestar::cache::detail
