#include "format_command.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace lodestar::redis_tier {
namespace {

// A line that begins with the mark: "$12\r\n".
void append_number(std::string& wire, char mark, std::size_t number) {
  std::array<char, std::numeric_limits<std::size_t>::digits10 + 1> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  wire += mark;
  wire.append(digits.data(), end);
  wire += "\r\n";
}

}  // namespace

std::string format_command(std::span<const std::string_view> words) {
  constexpr std::size_t beside_a_word = 16;  // "$12\r\n" and "\r\n"
  std::size_t bytes = beside_a_word;
  for (const std::string_view word : words) bytes += word.size() + beside_a_word;
  std::string wire;
  wire.reserve(bytes);
  append_number(wire, '*', words.size());
  for (const std::string_view word : words) {
    append_number(wire, '$', word.size());
    wire += word;
    wire += "\r\n";
  }
  return wire;
}

std::string format_command(std::initializer_list<std::string_view> words) {
  return format_command(std::span<const std::string_view>(words.begin(), words.size()));
}

}  // namespace lodestar::redis_tier
