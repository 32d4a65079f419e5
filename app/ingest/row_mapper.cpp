#include "ingest/row_mapper.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lodestar/base/json.hpp>
#include <lodestar/base/utf8.hpp>

#include "config/problems.hpp"

namespace lodestar::app {
namespace {

using analytics::value_type;

constexpr std::string_view id_column_name = "event_id";

bool is_digit(char character) noexcept {
  return character >= '0' && character <= '9';
}

std::size_t digits_at(std::string_view text, std::size_t at) noexcept {
  std::size_t count = 0;
  while (at + count < text.size() && is_digit(text[at + count])) ++count;
  return count;
}

/// RFC 8259, section 6.
bool is_json_number(std::string_view text) noexcept {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits_at(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits_at(text, at + 1);
    if (fraction == 0) return false;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = digits_at(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

std::string_view without_zero_fraction(std::string_view text) noexcept {
  const auto point = text.find('.');
  const bool is_zero = point != std::string_view::npos &&
                       text.find_first_not_of('0', point + 1) == std::string_view::npos;
  return is_zero ? text.substr(0, point) : text;
}

bool is_word(std::string_view text, std::string_view lower_case) noexcept {
  return std::ranges::equal(text, lower_case, {}, [](char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                                : character;
  });
}

void append_value(std::string& out, std::string_view text, value_type type) {
  switch (type) {
    case value_type::boolean:
      if (is_word(text, "true") || is_word(text, "false")) {
        out += is_word(text, "true") ? "true" : "false";
        return;
      }
      break;
    case value_type::integer:
    case value_type::number:
      if (is_json_number(text)) {
        out += type == value_type::integer ? without_zero_fraction(text) : text;
        return;
      }
      break;
    default: break;
  }
  append_json_string(out, text);
}

}  // namespace

result<row_mapper> row_mapper::make(const analytics::event_definition& event,
                                    const std::vector<std::string>& columns) {
  std::vector<std::string_view> known = {event.key_column};
  for (const auto& field : event.fields) known.push_back(field.name);
  known.push_back(id_column_name);
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (std::find(columns.begin(), column, *column) != column)
      return fail(error_code::invalid_argument, fmt::format("column {} is given twice", *column));
    if (std::ranges::find(known, *column) == known.end()) {
      return fail(error_code::invalid_argument,
                  fmt::format("unknown column {} of {}", *column, event.event_type), {},
                  suggest(*column, known));
    }
  }
  const auto index_of = [&](std::string_view name) -> std::optional<std::size_t> {
    const auto found = std::ranges::find(columns, name);
    if (found == columns.end()) return std::nullopt;
    return static_cast<std::size_t>(found - columns.begin());
  };
  const auto missing = [&](std::string_view column) {
    return fail(error_code::invalid_argument,
                fmt::format("has no column {}, which {} needs", column, event.event_type), {},
                fmt::format("its columns are {}", fmt::join(columns, ", ")));
  };
  row_mapper made(event);
  const auto key = index_of(event.key_column);
  if (!key) return missing(event.key_column);
  made.key_column_ = *key;
  made.id_column_ = index_of(id_column_name);
  for (const auto& field : event.fields) {
    const auto column = index_of(field.name);
    if (!column && field.required) return missing(field.name);
    if (!column) continue;
    std::string name_json;
    append_json_string(name_json, field.name);
    name_json += ':';
    made.payload_columns_.push_back({&field, std::move(name_json), *column});
  }
  return made;
}

result<log::new_event> row_mapper::event_of(std::span<const row_cell> cells, event_reader& reader) {
  const row_cell& key = cells[key_column_];
  if (!key || key->empty())
    return fail(error_code::invalid_argument,
                fmt::format("column {} is empty", event_->key_column));
  payload_.assign(1, '{');
  for (const auto& [field, name_json, column] : payload_columns_) {
    if (payload_.size() > 1) payload_ += ',';
    payload_ += name_json;
    const row_cell& cell = cells[column];
    // "" is a text, and no value of any other type.
    if (!cell || (cell->empty() && field->type != value_type::text)) {
      payload_ += "null";
      continue;
    }
    if (!is_valid_utf8(*cell)) {
      return fail(error_code::invalid_argument, "is not valid UTF-8",
                  fmt::format("payload.{}", field->name), "write the file as UTF-8");
    }
    append_value(payload_, *cell, field->type);
  }
  payload_ += '}';
  auto made = reader.read_payload(event_->event_type, *key, payload_);
  if (made && id_column_) made->event_id = cells[*id_column_].value_or("");
  return made;
}

}  // namespace lodestar::app
