// How an entry lies in the table. The key of the table is the hash of the entry's, so that keys may
// be of any length and one can be drawn at random; the whole key is kept beside the bytes, and
// compared.
//
//   8 bytes   until when it is kept: milliseconds since 1970-01-01 UTC
//   8 bytes   when it was written
//   4 bytes   bytes of the key
//   4 bytes   0
//             the key, the bytes
//
// In the byte order of the machine: the file stays on it.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include <lodestar/base/hash.hpp>

namespace lodestar::lmdb_tier {

struct record_header {
  std::int64_t keep_until_ms;
  std::int64_t written_ms;
  std::uint32_t key_bytes;
  std::uint32_t zero = 0;
};
static_assert(sizeof(record_header) == 24);

inline constexpr std::int64_t kept_for_ever = std::numeric_limits<std::int64_t>::max();

struct record_view {
  record_header header;
  std::string_view key, bytes;
};

/// Nothing when it is none.
[[nodiscard]] inline std::optional<record_view> open_record(std::string_view stored) noexcept {
  record_view opened{};
  if (stored.size() < sizeof(record_header)) return std::nullopt;
  std::memcpy(&opened.header, stored.data(), sizeof(record_header));
  stored.remove_prefix(sizeof(record_header));
  if (opened.header.key_bytes > stored.size()) return std::nullopt;
  opened.key = stored.substr(0, opened.header.key_bytes);
  opened.bytes = stored.substr(opened.header.key_bytes);
  return opened;
}

/// What the table calls a key.
[[nodiscard]] inline hash128 name_of(std::string_view key) noexcept {
  return hash_bytes_128(key);
}

/// That, as LMDB takes it.
class table_key {
 public:
  explicit table_key(const hash128& hash) noexcept : hash_(hash) {}
  [[nodiscard]] std::string_view bytes() const noexcept {
    return {reinterpret_cast<const char*>(&hash_), sizeof(hash_)};
  }

 private:
  hash128 hash_;
};

}  // namespace lodestar::lmdb_tier
