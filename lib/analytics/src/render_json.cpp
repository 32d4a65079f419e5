#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include <lodestar/analytics/timestamp.hpp>
#include <lodestar/base/json.hpp>

#include "arrow_result.hpp"

namespace lodestar::analytics {
namespace {

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  fmt::format_to(std::back_inserter(out), "{}", number);
}

/// Of a timestamp or date, DuckDB's infinities are the ends of the range.
bool is_infinite(std::int64_t value, value_type type) {
  const std::int64_t infinity = type == value_type::date ? std::numeric_limits<std::int32_t>::max()
                                                         : std::numeric_limits<std::int64_t>::max();
  return value >= infinity || value <= -infinity;
}

void append_integer(std::string& out, std::int64_t value, value_type type) {
  if (type == value_type::integer) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  } else if (is_infinite(value, type)) {
    out += "null";
  } else {
    append_json_string(
        out, type == value_type::date ? format_date_days(value) : format_timestamp_us(value));
  }
}

void append_cell(std::string& out, const cell& value, value_type type) {
  if (const auto* text = std::get_if<std::string_view>(&value))
    return append_json_string(out, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    return append_integer(out, *integer, type);
  if (const auto* number = std::get_if<double>(&value)) return append_number(out, *number);
  if (const auto* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
    return;
  }
  out += "null";
}

void append_columns(std::string& out, const std::vector<column>& columns) {
  for (std::size_t index = 0; index < columns.size(); ++index) {
    out += index == 0 ? "{\"name\":" : ",{\"name\":";
    append_json_string(out, columns[index].name);
    fmt::format_to(std::back_inserter(out), ",\"type\":\"{}\"}}", to_string(columns[index].type));
  }
}

}  // namespace

result<std::string> render_json(const query_result& content, std::size_t bytes_max) {
  std::string out;
  out.reserve(std::min(bytes_max, 64 + content.rows() * content.columns().size() * 12));
  out += "{\"columns\":[";
  append_columns(out, content.columns());
  out += "],\"rows\":[";
  for (std::size_t row = 0; row < content.rows(); ++row) {
    out += row == 0 ? "[" : ",[";
    for (std::size_t index = 0; index < content.columns().size(); ++index) {
      if (index > 0) out += ',';
      append_cell(out, content.at(row, index), content.columns()[index].type);
      if (out.size() > bytes_max) return rendered_too_large(bytes_max);
    }
    out += ']';
  }
  return out + "]}";
}

}  // namespace lodestar::analytics
