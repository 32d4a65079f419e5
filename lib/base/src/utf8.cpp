#include <lodestar/base/utf8.hpp>

#include <cstdint>
#include <cstring>

namespace lodestar {
namespace {

struct lead_rule {
  std::size_t bytes;
  unsigned char second_min;
  unsigned char second_max;
};

/// What may follow a lead byte; the second byte's range shuts out overlong forms, surrogates and
/// values over U+10FFFF.
lead_rule rule_of(unsigned char lead) noexcept {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

/// Nearly all text is ASCII: eight bytes at a time.
std::size_t ascii_prefix_bytes(std::string_view text) noexcept {
  constexpr std::uint64_t high_bits = 0x8080'8080'8080'8080U;
  std::size_t done = 0;
  for (std::uint64_t word = 0; done + sizeof word <= text.size(); done += sizeof word) {
    std::memcpy(&word, text.data() + done, sizeof word);
    if ((word & high_bits) != 0) break;
  }
  return done;
}

}  // namespace

std::size_t utf8_sequence_bytes(std::string_view text) noexcept {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const lead_rule rule = rule_of(byte(0));
  if (rule.bytes <= 1) return rule.bytes;
  if (text.size() < rule.bytes || byte(1) < rule.second_min || byte(1) > rule.second_max) return 0;
  for (std::size_t index = 2; index < rule.bytes; ++index) {
    if ((byte(index) & 0xC0U) != 0x80U) return 0;
  }
  return rule.bytes;
}

bool is_valid_utf8(std::string_view text) noexcept {
  for (;;) {
    text.remove_prefix(ascii_prefix_bytes(text));
    if (text.empty()) return true;
    const std::size_t bytes = utf8_sequence_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
}

}  // namespace lodestar
