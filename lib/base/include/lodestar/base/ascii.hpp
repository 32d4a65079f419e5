// Letters without regard to locale: what protocols and SQL mean by "case-insensitive". Pure
// functions; bytes beyond ASCII stay as they are.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace lodestar {

[[nodiscard]] constexpr char ascii_lower(char byte) noexcept {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

[[nodiscard]] constexpr bool is_ascii_control(char byte) noexcept {
  return (byte >= '\0' && byte < ' ') || byte == '\x7f';
}

[[nodiscard]] inline std::string to_ascii_lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), ascii_lower);
  return lower;
}

[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view left,
                                                 std::string_view right) noexcept {
  return std::ranges::equal(left, right, {}, ascii_lower, ascii_lower);
}

}  // namespace lodestar
