// How an entry lies in a store (docs/formats/entry_envelope.md): when it was written and until when
// it is good, what it is true of, what it depends on, and the encoded value, under one checksum.
//
//   std::string bytes;
//   append_envelope({.key = identity_of(key), .fresh_until_ms = …, .value = encoded}, bytes);
//   …
//   const auto opened = open_envelope(bytes, {.key = identity_of(key), .format = codec_format});
//   if (!opened) count(opened.error());  // no entry: delete it
//
// Whatever does not fit is no entry: a bit that changed, a piece that is missing or too much, the
// entry of another key, another version of this format, another encoding of the value. Opening
// allocates nothing and trusts no length before the checksum has passed.
//
// Thread-safety: functions, on any thread. Lifetimes: what open_envelope() returns points into the
// bytes.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <lodestar/base/hash.hpp>

namespace lodestar::swr {

/// Texts one behind the other in an envelope. Iterating gives each as a string_view.
class text_list {
 public:
  class iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    explicit iterator(const char* at) noexcept : at_(at) {}
    [[nodiscard]] std::string_view operator*() const noexcept;
    iterator& operator++() noexcept;
    iterator operator++(int) noexcept;
    [[nodiscard]] bool operator==(const iterator&) const = default;

   private:
    const char* at_ = nullptr;
  };

  text_list() = default;
  /// Bytes that append_text() made.
  explicit text_list(std::string_view encoded) noexcept : encoded_(encoded) {}
  [[nodiscard]] iterator begin() const noexcept { return iterator(encoded_.data()); }
  [[nodiscard]] iterator end() const noexcept {
    return iterator(encoded_.data() + encoded_.size());
  }
  [[nodiscard]] bool empty() const noexcept { return encoded_.empty(); }
  [[nodiscard]] std::string_view encoded() const noexcept { return encoded_; }
  /// Whether the lengths add up.
  [[nodiscard]] bool is_whole() const noexcept;

 private:
  std::string_view encoded_;
};

/// Up to 4 GiB.
void append_text(std::string_view text, std::string& list);

/// When something was written, by a clock that all nodes keep in step (a hybrid logical clock), and
/// by whom: of two writes of a key the greater one is the newer one, for everybody.
struct write_stamp {
  std::uint64_t time = 0;
  std::uint64_t node = 0;
  friend auto operator<=>(const write_stamp&, const write_stamp&) = default;
};

enum class envelope_kind : std::uint8_t {
  value = 0,
  absent = 1,  ///< The origin said that there is nothing. No value follows.
};
/// What moves the entry out of date, beside time.
enum class depends_on : std::uint8_t { nothing = 0, listed = 1, everything = 2 };

struct envelope {
  hash128 key = {};
  envelope_kind kind = envelope_kind::value;
  std::int64_t written_ms = 0;      ///< When the computation began; since 1970-01-01 UTC.
  std::int64_t fresh_until_ms = 0;  ///< By the wall clock, as all of them.
  std::int64_t stale_until_ms = 0;
  std::int64_t computed_at = 0;  ///< The position that the computation saw.
  std::uint64_t epoch = 0;       ///< Of the log that the position is one of.
  write_stamp stamp = {};
  std::uint64_t format = 0;  ///< Of the value: hash of the codec's name.
  std::uint32_t weight = 0;  ///< In memory; 0: whoever reads it weighs the value.
  depends_on dependency = depends_on::nothing;
  text_list keys_depended_on = {};  ///< Key expressions, when listed.
  text_list tags = {};
  std::string_view value = {};
};

/// The identity of an entry: of the whole key as the store knows it, with its namespace.
[[nodiscard]] inline hash128 identity_of(std::string_view key) noexcept {
  return hash_bytes_128(key);
}

/// Appends the entry.
void append_envelope(const envelope& entry, std::string& bytes);
[[nodiscard]] std::size_t envelope_bytes(const envelope& entry) noexcept;

/// Why bytes are no entry.
enum class envelope_fault : std::uint8_t {
  cut_off,    ///< Too short for what it is.
  foreign,    ///< Not an envelope.
  version,    ///< Of a version of the format that this program does not know.
  damaged,    ///< The checksum is wrong.
  malformed,  ///< The checksum is right and the content is not.
  other_key,  ///< The entry of another key.
  format,     ///< The value is encoded in another way.
};
[[nodiscard]] std::string_view to_string(envelope_fault fault) noexcept;

struct envelope_expected {
  hash128 key = {};
  std::uint64_t format = 0;
};

[[nodiscard]] std::expected<envelope, envelope_fault> open_envelope(
    std::string_view bytes, const envelope_expected& expected) noexcept;

/// When what is stored there was written, whichever key and format it has; nothing when it is
/// damaged.
[[nodiscard]] std::optional<write_stamp> stamp_of_envelope(std::string_view bytes) noexcept;

}  // namespace lodestar::swr
