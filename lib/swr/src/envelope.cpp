#include <lodestar/swr/envelope.hpp>

#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>

#include <lodestar/base/assert.hpp>

namespace lodestar::swr {
namespace {

constexpr std::string_view magic = "\x89LEN";
constexpr std::uint16_t version_known = 1;
constexpr std::size_t checksum_offset = 8;
constexpr std::size_t checked_offset = 16;  // what the checksum covers, beside the bytes before it
constexpr std::size_t header_bytes = 112;
constexpr std::size_t length_bytes = 4;

template <class Number>
[[nodiscard]] Number in_file_order(Number number) noexcept {
  if constexpr (std::endian::native == std::endian::little || sizeof(Number) == 1) {
    return number;
  } else {
    return std::byteswap(number);
  }
}

template <class Number>
void put(char* place, std::size_t offset, Number number) noexcept {
  const auto stored = in_file_order(static_cast<std::make_unsigned_t<Number>>(number));
  std::memcpy(place + offset, &stored, sizeof(stored));
}

template <class Number>
[[nodiscard]] Number number_at(std::string_view bytes, std::size_t offset) noexcept {
  std::make_unsigned_t<Number> stored{};
  std::memcpy(&stored, bytes.data() + offset, sizeof(stored));
  return static_cast<Number>(in_file_order(stored));
}

// The bytes before the checksum are its seed.
[[nodiscard]] std::uint64_t checksum_of(std::string_view entry) noexcept {
  return hash_bytes_64(entry.substr(checked_offset), number_at<std::uint64_t>(entry, 0));
}

[[nodiscard]] std::uint32_t length_of(std::string_view bytes) noexcept {
  LODESTAR_ASSERT(bytes.size() <= std::numeric_limits<std::uint32_t>::max(),
                  "an entry is at most 4 GiB");
  return static_cast<std::uint32_t>(bytes.size());
}

}  // namespace

std::string_view text_list::iterator::operator*() const noexcept {
  const auto bytes = number_at<std::uint32_t>({at_, length_bytes}, 0);
  return {at_ + length_bytes, bytes};
}

text_list::iterator& text_list::iterator::operator++() noexcept {
  const std::string_view here = **this;
  at_ = here.data() + here.size();
  return *this;
}

text_list::iterator text_list::iterator::operator++(int) noexcept {
  const iterator before = *this;
  ++*this;
  return before;
}

bool text_list::is_whole() const noexcept {
  for (std::string_view left = encoded_; !left.empty();) {
    if (left.size() < length_bytes) return false;
    left.remove_prefix(length_bytes);
    const auto bytes = number_at<std::uint32_t>({left.data() - length_bytes, length_bytes}, 0);
    if (bytes > left.size()) return false;
    left.remove_prefix(bytes);
  }
  return true;
}

void append_text(std::string_view text, std::string& list) {
  char length[length_bytes];
  put(length, 0, length_of(text));
  list.append(length, length_bytes);
  list += text;
}

std::size_t envelope_bytes(const envelope& entry) noexcept {
  return header_bytes + entry.keys_depended_on.encoded().size() + entry.tags.encoded().size() +
         entry.value.size();
}

void append_envelope(const envelope& entry, std::string& bytes) {
  LODESTAR_ASSERT(entry.kind == envelope_kind::value || entry.value.empty(),
                  "what is absent has no value");
  char header[header_bytes] = {};
  magic.copy(header, magic.size());
  put(header, 4, version_known);
  put(header, 6, static_cast<std::uint8_t>(entry.kind));
  put(header, 7, static_cast<std::uint8_t>(entry.dependency));
  put(header, 16, entry.key.high);
  put(header, 24, entry.key.low);
  put(header, 32, entry.written_ms);
  put(header, 40, entry.fresh_until_ms);
  put(header, 48, entry.stale_until_ms);
  put(header, 56, entry.computed_at);
  put(header, 64, entry.epoch);
  put(header, 72, entry.stamp.time);
  put(header, 80, entry.stamp.node);
  put(header, 88, entry.format);
  put(header, 96, length_of(entry.keys_depended_on.encoded()));
  put(header, 100, length_of(entry.tags.encoded()));
  put(header, 104, length_of(entry.value));
  put(header, 108, entry.weight);
  const std::size_t begin = bytes.size();
  bytes.reserve(begin + envelope_bytes(entry));
  bytes.append(header, header_bytes);
  bytes += entry.keys_depended_on.encoded();
  bytes += entry.tags.encoded();
  bytes += entry.value;
  put(bytes.data() + begin, checksum_offset, checksum_of(std::string_view(bytes).substr(begin)));
}

std::string_view to_string(envelope_fault fault) noexcept {
  switch (fault) {
    case envelope_fault::cut_off: return "cut_off";
    case envelope_fault::foreign: return "foreign";
    case envelope_fault::version: return "version";
    case envelope_fault::damaged: return "damaged";
    case envelope_fault::malformed: return "malformed";
    case envelope_fault::other_key: return "other_key";
    case envelope_fault::format: return "format";
  }
  return "unknown";
}

namespace {

std::optional<envelope_fault> fault_of(std::string_view bytes) noexcept {
  using enum envelope_fault;
  if (!bytes.starts_with(magic)) return bytes.size() < 4 ? cut_off : foreign;
  if (bytes.size() < header_bytes) return cut_off;
  if (number_at<std::uint16_t>(bytes, 4) != version_known) return envelope_fault::version;
  const std::uint64_t keys_bytes = number_at<std::uint32_t>(bytes, 96);
  const std::uint64_t tags_bytes = number_at<std::uint32_t>(bytes, 100);
  const std::uint64_t value_bytes = number_at<std::uint32_t>(bytes, 104);
  // Sums of three 32-bit numbers cannot wrap.
  if (header_bytes + keys_bytes + tags_bytes + value_bytes != bytes.size()) return cut_off;
  if (number_at<std::uint64_t>(bytes, checksum_offset) != checksum_of(bytes)) return damaged;
  return std::nullopt;
}

write_stamp stamp_in(std::string_view bytes) noexcept {
  return {number_at<std::uint64_t>(bytes, 72), number_at<std::uint64_t>(bytes, 80)};
}

}  // namespace

std::optional<write_stamp> stamp_of_envelope(std::string_view bytes) noexcept {
  if (fault_of(bytes)) return std::nullopt;
  return stamp_in(bytes);
}

std::expected<envelope, envelope_fault> open_envelope(std::string_view bytes,
                                                      const envelope_expected& expected) noexcept {
  using enum envelope_fault;
  if (const auto fault = fault_of(bytes)) return std::unexpected(*fault);
  const std::uint64_t keys_bytes = number_at<std::uint32_t>(bytes, 96);
  const std::uint64_t tags_bytes = number_at<std::uint32_t>(bytes, 100);
  const std::uint64_t value_bytes = number_at<std::uint32_t>(bytes, 104);
  const hash128 key{number_at<std::uint64_t>(bytes, 16), number_at<std::uint64_t>(bytes, 24)};
  if (key != expected.key) return std::unexpected(other_key);
  const auto format_here = number_at<std::uint64_t>(bytes, 88);
  if (format_here != expected.format) return std::unexpected(format);
  const auto kind = number_at<std::uint8_t>(bytes, 6);
  const auto dependency = number_at<std::uint8_t>(bytes, 7);
  const envelope entry{.key = key,
                       .kind = static_cast<envelope_kind>(kind),
                       .written_ms = number_at<std::int64_t>(bytes, 32),
                       .fresh_until_ms = number_at<std::int64_t>(bytes, 40),
                       .stale_until_ms = number_at<std::int64_t>(bytes, 48),
                       .computed_at = number_at<std::int64_t>(bytes, 56),
                       .epoch = number_at<std::uint64_t>(bytes, 64),
                       .stamp = stamp_in(bytes),
                       .format = format_here,
                       .weight = number_at<std::uint32_t>(bytes, 108),
                       .dependency = static_cast<depends_on>(dependency),
                       .keys_depended_on = text_list(bytes.substr(header_bytes, keys_bytes)),
                       .tags = text_list(bytes.substr(header_bytes + keys_bytes, tags_bytes)),
                       .value = bytes.substr(header_bytes + keys_bytes + tags_bytes)};
  const bool right = kind <= 1 && dependency <= 2 && (kind == 0 || value_bytes == 0) &&
                     entry.keys_depended_on.is_whole() && entry.tags.is_whole();
  if (!right) return std::unexpected(malformed);
  return entry;
}

}  // namespace lodestar::swr
