#include <lodestar/web/html.hpp>

#include <charconv>

#include <lodestar/base/utf8.hpp>

namespace lodestar::web {
namespace {

constexpr std::string_view replacement_character = "\xEF\xBF\xBD";  // U+FFFD

/// What stands for a one-byte character, empty when it stands for itself.
std::string_view replacement_of(char byte) noexcept {
  switch (byte) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    // A raw CR would be a line end in an event stream; the reference survives and means the same.
    case '\r': return "&#13;";
    case '\n':
    case '\t': return {};
    default:
      return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F ? replacement_character
                                                                     : std::string_view();
  }
}

bool is_c1_control(std::string_view sequence) noexcept {
  return sequence.size() == 2 && sequence[0] == '\xC2' &&
         static_cast<unsigned char>(sequence[1]) < 0xA0;
}

}  // namespace

html& html::text(std::string_view value) {
  out_.reserve(out_.size() + value.size());
  std::size_t run_begin = 0;
  std::size_t at = 0;
  const auto replace = [&](std::size_t bytes, std::string_view by) {
    out_.append(value, run_begin, at - run_begin).append(by);
    at += bytes;
    run_begin = at;
  };
  while (at < value.size()) {
    const std::size_t bytes = utf8_sequence_bytes(value.substr(at));
    if (bytes == 0) {
      replace(1, replacement_character);
    } else if (bytes == 1) {
      const auto by = replacement_of(value[at]);
      if (by.empty())
        ++at;
      else
        replace(1, by);
    } else if (is_c1_control(value.substr(at, bytes))) {
      replace(bytes, replacement_character);
    } else {
      at += bytes;
    }
  }
  out_.append(value, run_begin, at - run_begin);
  return *this;
}

html& html::number(std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out_.append(digits, end);
  return *this;
}

}  // namespace lodestar::web
