#include "payload_reader.hpp"

#include <simdjson.h>

#include <cmath>

#include <fmt/format.h>

#include <lodestar/analytics/timestamp.hpp>

namespace lodestar::analytics {
namespace {

using element = simdjson::dom::element;

/// These fill in the value and say whether it is of the type.

bool read_integer(element value, cell& out) {
  if (std::int64_t integer = 0; value.get(integer) == simdjson::SUCCESS) {
    out = integer;
    return true;
  }
  double number = 0;
  // 3.0 is an integer to whoever wrote it; beyond 2^53 a double does not say which one.
  constexpr double exact_max = 9'007'199'254'740'992.0;
  if (value.get(number) != simdjson::SUCCESS || std::trunc(number) != number ||
      std::abs(number) > exact_max)
    return false;
  out = static_cast<std::int64_t>(number);
  return true;
}

template <class Value>
bool read_plain(element value, cell& out) {
  Value plain{};
  if (value.get(plain) != simdjson::SUCCESS) return false;
  out = plain;
  return true;
}

template <class Parse>
bool read_parsed(element value, cell& out, Parse parse) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return false;
  const auto parsed = parse(text);
  if (parsed) out = std::int64_t{*parsed};
  return parsed.has_value();
}

bool read_typed(element value, value_type type, cell& out) {
  switch (type) {
    case value_type::boolean: return read_plain<bool>(value, out);
    case value_type::integer: return read_integer(value, out);
    case value_type::number: return read_plain<double>(value, out);
    case value_type::text: return read_plain<std::string_view>(value, out);
    case value_type::timestamp: return read_parsed(value, out, parse_timestamp_us);
    case value_type::date: return read_parsed(value, out, parse_date_days);
  }
  return false;
}

}  // namespace

struct payload_reader::parser {
  simdjson::dom::parser json;
};

payload_reader::payload_reader() : parser_(std::make_unique<parser>()) {}
payload_reader::~payload_reader() = default;

result<void> payload_reader::read(const log::event& event, const std::vector<field>& fields,
                                  std::vector<cell>& values) {
  values.clear();
  if (!simdjson::validate_utf8(event.aggregate_id)) {
    return fail(error_code::invalid_argument, "the aggregate id is not UTF-8", "aggregate_id");
  }
  simdjson::dom::object object;
  if (const auto outcome = parser_->json.parse(event.payload).get(object);
      outcome != simdjson::SUCCESS) {
    return fail(error_code::invalid_argument,
                fmt::format("the payload is no JSON object ({})", simdjson::error_message(outcome)),
                "payload");
  }
  for (const auto& wanted : fields) {
    element value;
    const bool absent =
        object.at_key(wanted.name).get(value) != simdjson::SUCCESS || value.is_null();
    if (absent && wanted.required) {
      return fail(error_code::invalid_argument,
                  fmt::format("the field '{}' is missing", wanted.name), "payload." + wanted.name);
    }
    auto& out = values.emplace_back();
    if (!absent && !read_typed(value, wanted.type, out)) {
      return fail(error_code::invalid_argument,
                  fmt::format("the field '{}' is not a {}", wanted.name, to_string(wanted.type)),
                  "payload." + wanted.name);
    }
  }
  return {};
}

}  // namespace lodestar::analytics
