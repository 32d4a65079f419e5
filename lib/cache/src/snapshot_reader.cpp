#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <lodestar/base/hash.hpp>
#include <lodestar/cache/detail/snapshot_format.hpp>

#include "snapshot_bytes.hpp"

namespace lodestar::cache::detail {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t end_bytes = 16;
constexpr std::string_view start_cold = "delete it to start with an empty cache";

}  // namespace

result<snapshot_header> snapshot_reader::read_header() {
  piece_.clear();
  const std::size_t known_bytes = snapshot_magic.size() + sizeof(snapshot_version);
  if (auto read = read_more(known_bytes); !read) return std::unexpected(read.error());
  if (!piece_.starts_with(snapshot_magic)) {
    return fail_at(0, error_code::corrupt, "this is not a snapshot of a cache",
                   "give the path of a file that save_snapshot() wrote");
  }
  const auto version = number_at<std::uint32_t>(piece_, 8);
  if (version != snapshot_version) {
    return fail_at(8, error_code::unsupported,
                   fmt::format("the snapshot has version {} of the format, and this program knows "
                               "version {}",
                               version, snapshot_version),
                   "load it with the program that wrote it, or delete it");
  }
  if (auto read = read_more(header_bytes - known_bytes); !read)
    return std::unexpected(read.error());
  if (auto right = check_piece(0); !right) return std::unexpected(right.error());
  if (number_at<std::uint8_t>(piece_, 12) != byte_order_here) {
    return fail_at(12, error_code::unsupported,
                   "the snapshot was written on a machine of another byte order",
                   std::string(start_cold));
  }
  return snapshot_header{
      .saved_wall_us = static_cast<std::int64_t>(number_at<std::uint64_t>(piece_, 16)),
      .key_format = number_at<std::uint64_t>(piece_, 24),
      .value_format = number_at<std::uint64_t>(piece_, 32),
      .weight = number_at<std::uint64_t>(piece_, 40),
      .weighed = number_at<std::uint8_t>(piece_, 13) != 0,
      .shape = number_at<std::uint8_t>(piece_, 14)};
}

result<std::optional<snapshot_reader::found>> snapshot_reader::next() {
  if (block_entries_left_ == 0) {
    const auto more = read_block();
    if (!more) return std::unexpected(more.error());
    if (!*more) return std::optional<found>();
  }
  auto entry = parse_entry();
  if (!entry) return std::unexpected(std::move(entry).error());
  return std::optional<found>(*entry);
}

result<void> snapshot_reader::expect_no_more() {
  const std::uint64_t end = offset_;
  char byte = 0;
  const auto got = source_({&byte, 1});
  if (!got) return std::unexpected(got.error());
  if (*got == 0) return {};
  return fail_at(end, error_code::corrupt, "something follows the end of the snapshot",
                 std::string(start_cold));
}

// False at the end.
result<bool> snapshot_reader::read_block() {
  piece_.clear();
  piece_offset_ = offset_;
  if (auto read = read_more(block_header_bytes); !read) return std::unexpected(read.error());
  const auto bytes = number_at<std::uint32_t>(piece_, 0);
  block_entries_left_ = number_at<std::uint32_t>(piece_, 4);
  if (bytes > snapshot_writer::entry_bytes_max) return fail_malformed(piece_offset_);
  const bool ends = bytes == 0;
  const std::size_t left = ends ? end_bytes - block_header_bytes : bytes;
  if (auto read = read_more(left); !read) return std::unexpected(read.error());
  if (auto right = check_piece(piece_offset_); !right) return std::unexpected(right.error());
  if (ends == (block_entries_left_ != 0)) return fail_malformed(piece_offset_ + 4);
  position_ = block_header_bytes;
  if (!ends) return true;
  if (number_at<std::uint64_t>(piece_, block_header_bytes) != entries_)
    return fail_malformed(piece_offset_ + block_header_bytes);
  return false;
}

// A right checksum does not make the bytes ours: every length is checked.
auto snapshot_reader::parse_entry() -> result<found> {
  const std::string_view payload = piece_;
  entry_offset_ = piece_offset_ + position_;
  const std::size_t left = payload.size() - position_;
  if (left < entry_length_bytes + entry_fixed_bytes) return fail_malformed(entry_offset_);
  const auto bytes = number_at<std::uint32_t>(payload, position_);
  if (bytes < entry_fixed_bytes || bytes > left - entry_length_bytes)
    return fail_malformed(entry_offset_);
  const std::string_view entry = payload.substr(position_ + entry_length_bytes, bytes);
  const auto key_bytes = number_at<std::uint32_t>(entry, 33);
  if (key_bytes > entry.size() - entry_fixed_bytes) return fail_malformed(entry_offset_ + 37);
  position_ += entry_length_bytes + bytes;
  --block_entries_left_;
  ++entries_;
  if (block_entries_left_ == 0 && position_ != payload.size())
    return fail_malformed(piece_offset_ + position_);
  const auto heat = number_at<std::uint8_t>(entry, 32);
  return found{.entry = {.left_us = number_at<std::uint64_t>(entry, 0),
                         .time_max_us = number_at<std::uint64_t>(entry, 8),
                         .age_us = number_at<std::uint64_t>(entry, 16),
                         .weight = number_at<std::uint64_t>(entry, 24),
                         .uses = static_cast<std::uint8_t>(heat & ~proven_flag),
                         .proven = (heat & proven_flag) != 0},
               .key = entry.substr(entry_fixed_bytes, key_bytes),
               .value = entry.substr(entry_fixed_bytes + key_bytes)};
}

// The place grows with what has come, not with what a length says.
result<void> snapshot_reader::read_more(std::size_t bytes) {
  const std::size_t wanted = piece_.size() + bytes;
  std::size_t have = piece_.size();
  while (have < wanted) {
    if (have == piece_.size()) piece_.resize(std::min(wanted, have + std::max(have, read_bytes)));
    const auto got = source_(std::span(piece_).subspan(have));
    if (!got) return std::unexpected(got.error());
    if (*got == 0) {
      return fail_at(offset_, error_code::corrupt, "the snapshot ends in the middle",
                     std::string(start_cold));
    }
    have += *got;
    offset_ += *got;
  }
  return {};
}

result<void> snapshot_reader::check_piece(std::uint64_t began) {
  const std::size_t bytes = piece_.size();
  if (auto read = read_more(checksum_bytes); !read) return read;
  checksum_ = hash_bytes_64(std::string_view(piece_).substr(0, bytes), checksum_);
  const bool right = number_at<std::uint64_t>(piece_, bytes) == checksum_;
  piece_.resize(bytes);
  if (right) return {};
  return fail_at(began, error_code::corrupt,
                 fmt::format("the checksum of the {} bytes from here on is wrong", bytes),
                 std::string(start_cold));
}

std::unexpected<error> snapshot_reader::fail_malformed(std::uint64_t offset) const {
  return fail_at(offset, error_code::corrupt, "the snapshot has a length here that cannot be",
                 std::string(start_cold));
}

std::unexpected<error> snapshot_reader::fail_at_entry(const error& why) const {
  return fail_at(entry_offset_, why.code,
                 fmt::format("an entry cannot be decoded: {}", why.message), why.hint);
}

std::unexpected<error> snapshot_reader::fail_at(std::uint64_t offset, error_code code,
                                                std::string message, std::string hint) const {
  return fail(code, std::move(message), fmt::format("{}: byte {}", name_, offset), std::move(hint));
}

}  // namespace lodestar::cache::detail
