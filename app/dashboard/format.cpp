#include "dashboard/format.hpp"

#include <cmath>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>
#include <lodestar/analytics/timestamp.hpp>
#include <lodestar/base/json.hpp>

namespace lodestar::app {
namespace {

using analytics::cell;
using analytics::value_type;

constexpr std::string_view minus = "\xE2\x88\x92";
constexpr std::string_view none = "\xE2\x80\x93";
constexpr std::int64_t us_per_day = 86'400'000'000;

/// Groups of three: 1234567.8 → 1,234,567.8. `digits` may carry a fraction and a sign.
std::string grouped(std::string digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.erase(0, 1);
  const auto point = digits.find('.');
  auto end = static_cast<std::ptrdiff_t>(point == std::string::npos ? digits.size() : point);
  for (end -= 3; end > 0; end -= 3) digits.insert(static_cast<std::size_t>(end), 1, ',');
  if (negative && digits.find_first_not_of("0,.") != std::string::npos)
    return std::string(minus) + digits;
  return digits;
}

std::string whole(double number) {
  return grouped(fmt::format("{:.0f}", std::round(number)));
}

/// Half away from zero, as browsers round; printf's way would make 0.25 "0.2".
std::string one_decimal(double number) {
  const bool is_tie = std::fmod(std::abs(number) * 4, 2) == 1;
  return grouped(fmt::format("{:.1f}", is_tie ? number + std::copysign(0.01, number) : number));
}

value_format default_format(value_type type) {
  switch (type) {
    case value_type::integer: return value_format::integer;
    case value_type::number: return value_format::decimal;
    case value_type::timestamp: return value_format::datetime;
    case value_type::date: return value_format::date;
    default: return value_format::text;
  }
}

std::string show_time(const cell& value, value_type type, value_format format) {
  const auto* stored = std::get_if<std::int64_t>(&value);
  if (stored == nullptr) return as_text(value, type);
  const std::int64_t timestamp_us = type == value_type::date ? *stored * us_per_day : *stored;
  const std::string text = analytics::format_timestamp_us(timestamp_us);  // 2001-06-17T14:05:00Z
  const auto split = text.find('T');
  const std::string minutes = text.substr(split + 1, 5);
  if (format == value_format::date) return text.substr(0, split);
  if (format == value_format::time) return minutes;
  return text.substr(0, split) + " " + minutes;
}

bool is_time(value_format format) {
  return format == value_format::datetime || format == value_format::date ||
         format == value_format::time;
}

}  // namespace

std::string shown_value::joined() const {
  return unit.empty() ? text : text + "\xC2\xA0" + unit;
}

shown_value show(const cell& value, value_type type, value_format format, std::string_view unit) {
  if (std::holds_alternative<std::monostate>(value)) return {std::string(none), ""};
  if (format == value_format::by_type) format = default_format(type);
  if (is_time(format)) return {show_time(value, type, format), std::string(unit)};
  if (const auto* flag = std::get_if<bool>(&value)) return {*flag ? "yes" : "no", ""};
  // Not through a double, which has 53 bits.
  if (const auto* integer = std::get_if<std::int64_t>(&value);
      integer != nullptr && format == value_format::integer)
    return {grouped(std::to_string(*integer)), std::string(unit)};
  const auto number = as_number(value);
  if (format == value_format::text || !number) return {as_text(value, type), std::string(unit)};
  if (!std::isfinite(*number)) return {std::string(none), ""};
  const auto unit_or = [unit](std::string_view own) {
    return std::string(unit.empty() ? own : unit);
  };
  switch (format) {
    case value_format::percent: return {one_decimal(*number * 100), unit_or("%")};
    case value_format::minutes: return {one_decimal(*number), unit_or("min")};
    case value_format::decimal: return {one_decimal(*number), std::string(unit)};
    default: return {whole(*number), std::string(unit)};
  }
}

std::optional<double> as_number(const cell& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

std::string as_text(const cell& value, value_type type) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (type == value_type::timestamp) return analytics::format_timestamp_us(*integer);
    if (type == value_type::date) return analytics::format_date_days(*integer);
    return std::to_string(*integer);
  }
  return {};
}

void append_json(std::string& out, const cell& value, value_type type) {
  const auto* number = std::get_if<double>(&value);
  if (std::holds_alternative<std::monostate>(value) ||
      (number != nullptr && !std::isfinite(*number))) {
    out += "null";
  } else if (std::holds_alternative<std::string_view>(value) || type == value_type::timestamp ||
             type == value_type::date) {
    append_json_string(out, as_text(value, type));
  } else if (number != nullptr) {
    // More digits than a chart's labels show; all of them would double the size of a frame.
    fmt::format_to(std::back_inserter(out), "{:.12g}", *number);
  } else {
    out += as_text(value, type);
  }
}

std::string title_of_column(std::string_view name) {
  std::string title(name);
  for (char& character : title) {
    if (character == '_') character = ' ';
  }
  if (!title.empty() && title.front() >= 'a' && title.front() <= 'z')
    title.front() = static_cast<char>(title.front() - 'a' + 'A');
  return title;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view unreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char character : text) {
    if (unreserved.find(character) != std::string_view::npos) {
      out += character;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(character));
    }
  }
  return out;
}

}  // namespace lodestar::app
