#include "head_scanner.hpp"

#include <algorithm>

#include "server_limits.hpp"

namespace lodestar::web {
namespace {

constexpr const char* line_too_long = "the request line is longer than 8,192 bytes";
constexpr const char* head_too_large = "the headers are longer than 16,384 bytes";

bool holds_control_character(std::string_view line) noexcept {
  bool found = false;
  for (const char c : line)
    found |= (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  return found;
}

}  // namespace

std::size_t head_scanner::scan(std::string_view input) noexcept {
  for (;;) {
    const std::size_t end = input.find('\n', searched_);
    if (end == std::string_view::npos) break;
    searched_ = end + 1;
    const auto line = input.substr(line_begin_, end - line_begin_);
    const bool last = line == "\r" && fields_begin_ != 0;
    if (last) return searched_;
    if (!take_line(line)) return 0;
    line_begin_ = searched_;
    if (fields_begin_ == 0) fields_begin_ = searched_;
  }
  searched_ = input.size();
  check_unfinished(input);
  return 0;
}

bool head_scanner::take_line(std::string_view line) noexcept {
  const bool is_field = fields_begin_ != 0;
  const bool ends_in_cr = line.ends_with('\r');
  const auto text = line.substr(0, line.size() - (ends_in_cr ? 1 : 0));
  if (!is_field && text.size() > request_line_bytes_max) {
    refuse(414, line_too_long);
  } else if (is_field && searched_ - fields_begin_ > header_bytes_max) {
    refuse(431, head_too_large);
  } else if (!ends_in_cr) {
    refuse(400, "a line of the head does not end in CR LF");
  } else if (holds_control_character(text)) {
    refuse(400, "the head holds a control character");
  } else if (text.empty()) {
    refuse(400, "the request line is empty");
  } else if (text.front() == ' ' || text.front() == '\t') {
    refuse(400, "a line of the head begins with white space");
  } else if (is_field && ++fields_ > headers_max) {
    refuse(431, "there are more than 100 headers");
  }
  return refused_status_ == 0;
}

void head_scanner::check_unfinished(std::string_view input) noexcept {
  const auto line = input.substr(line_begin_);
  if (line.empty() || line == "\r") return;
  const std::size_t text_bytes_min = line.size() - (line.ends_with('\r') ? 1 : 0);
  if (fields_begin_ == 0) {
    if (text_bytes_min > request_line_bytes_max) refuse(414, line_too_long);
  } else if (input.size() - fields_begin_ > header_bytes_max) {
    refuse(431, head_too_large);
  }
}

void head_scanner::refuse(int status, const char* reason) noexcept {
  refused_status_ = status;
  refused_reason_ = reason;
}

}  // namespace lodestar::web
