#include "backplane_message.hpp"

#include <bit>
#include <cstring>

#include <lodestar/base/hash.hpp>

namespace lodestar::swr::detail {
namespace {

static_assert(std::endian::native == std::endian::little, "messages are little-endian");

constexpr std::string_view magic = "\x89LEB";
constexpr std::uint8_t version_known = 1;
constexpr std::size_t header_bytes = 36;

template <class Number>
void put(std::string& bytes, std::size_t at, Number value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}
template <class Number>
[[nodiscard]] Number number_at(std::string_view bytes, std::size_t at) {
  Number value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

[[nodiscard]] std::uint64_t checksum_of(std::string_view bytes) {
  return hash_bytes_64(bytes.substr(16), number_at<std::uint64_t>(bytes, 0));
}

}  // namespace

std::string encode_message(const backplane_message& message) {
  std::string bytes(header_bytes, '\0');
  std::memcpy(bytes.data(), magic.data(), magic.size());
  put(bytes, 4, version_known);
  put(bytes, 5, static_cast<std::uint8_t>(message.what));
  put(bytes, 16, message.stamp.time);
  put(bytes, 24, message.stamp.node);
  put(bytes, 32, static_cast<std::uint32_t>(message.name.size()));
  bytes += message.name;
  bytes += message.key;
  put(bytes, 8, checksum_of(bytes));
  return bytes;
}

std::optional<backplane_message> decode_message(std::string_view bytes) {
  if (bytes.size() < header_bytes || !bytes.starts_with(magic)) return std::nullopt;
  if (number_at<std::uint8_t>(bytes, 4) != version_known) return std::nullopt;
  if (number_at<std::uint64_t>(bytes, 8) != checksum_of(bytes)) return std::nullopt;
  const auto what = number_at<std::uint8_t>(bytes, 5);
  const std::size_t name_bytes = number_at<std::uint32_t>(bytes, 32);
  const std::string_view texts = bytes.substr(header_bytes);
  if (what < 1 || what > 6 || name_bytes > texts.size()) return std::nullopt;
  return backplane_message{
      .what = static_cast<announcement>(what),
      .stamp = {number_at<std::uint64_t>(bytes, 16), number_at<std::uint64_t>(bytes, 24)},
      .name = texts.substr(0, name_bytes),
      .key = texts.substr(name_bytes)};
}

}  // namespace lodestar::swr::detail
