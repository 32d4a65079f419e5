#include "config/text.hpp"

#include <algorithm>
#include <charconv>

namespace lodestar::app {

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  std::int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return value;
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_identifier(std::string_view text) noexcept {
  constexpr std::size_t bytes_max = 63;
  const auto is_letter = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  };
  if (text.empty() || text.size() > bytes_max || !is_letter(text.front())) return false;
  return std::ranges::all_of(text, [&](char byte) {
    return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '_';
  });
}

}  // namespace lodestar::app
