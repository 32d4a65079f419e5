#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include <lodestar/analytics/timestamp.hpp>

#include "arrow_result.hpp"

namespace lodestar::analytics {
namespace {

/// An empty text is written as "" to tell it from null, which is nothing.
void append_text(std::string& out, std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of("\",\r\n") == std::string_view::npos;
  if (plain) {
    out += text;
    return;
  }
  out += '"';
  for (const char character : text) {
    if (character == '"') out += '"';
    out += character;
  }
  out += '"';
}

void append_number(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number < 0 ? "-Infinity" : "Infinity";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", number);
  }
}

void append_integer(std::string& out, std::int64_t value, value_type type) {
  if (type == value_type::integer) {
    fmt::format_to(std::back_inserter(out), "{}", value);
    return;
  }
  const bool date = type == value_type::date;
  const std::int64_t infinity =
      date ? std::numeric_limits<std::int32_t>::max() : std::numeric_limits<std::int64_t>::max();
  if (value >= infinity || value <= -infinity) {
    out += value < 0 ? "-Infinity" : "Infinity";
  } else {
    out += date ? format_date_days(value) : format_timestamp_us(value);
  }
}

void append_cell(std::string& out, const cell& value, value_type type) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return append_text(out, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    return append_integer(out, *integer, type);
  if (const auto* number = std::get_if<double>(&value)) return append_number(out, *number);
  if (const auto* truth = std::get_if<bool>(&value)) out += *truth ? "true" : "false";
}

}  // namespace

result<std::string> render_csv(const query_result& content, std::size_t bytes_max) {
  std::string out;
  for (std::size_t index = 0; index < content.columns().size(); ++index) {
    if (index > 0) out += ',';
    append_text(out, content.columns()[index].name);
  }
  out += "\r\n";
  for (std::size_t row = 0; row < content.rows(); ++row) {
    for (std::size_t index = 0; index < content.columns().size(); ++index) {
      if (index > 0) out += ',';
      append_cell(out, content.at(row, index), content.columns()[index].type);
      if (out.size() > bytes_max) return rendered_too_large(bytes_max);
    }
    out += "\r\n";
  }
  return out;
}

}  // namespace lodestar::analytics
