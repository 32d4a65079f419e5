#include "bound_query.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <lodestar/analytics/timestamp.hpp>
#include <lodestar/base/utf8.hpp>

#include "log_dependencies.hpp"

namespace lodestar::analytics {
namespace {

constexpr std::string_view identity_version = "lodestar-query/2";

std::string_view expectation(value_type type) {
  switch (type) {
    case value_type::boolean: return "a boolean, for example true";
    case value_type::integer: return "an integer, for example 42";
    case value_type::number: return "a number, for example 1.5";
    case value_type::timestamp: return "a timestamp, for example 2001-06-30T12:34:00Z";
    case value_type::date: return "a date, for example 2001-06-30";
    case value_type::text: return "a text, for example ATL";
  }
  return "a text";
}

std::string place_of(std::string_view name) {
  return fmt::format("parameter {}", name);
}

template <class Number>
std::optional<parameter_value> parse_whole(std::string_view text) {
  Number number{};
  const auto [end, outcome] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (outcome != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<parameter_value> parse_number(std::string_view text) {
  auto value = parse_whole<double>(text);
  if (!value || !std::isfinite(std::get<double>(*value))) return std::nullopt;
  // -0 and 0 are one value.
  return std::get<double>(*value) == 0 ? parameter_value(0.0) : value;
}

std::optional<parameter_value> parse_value(value_type type, std::string_view text) {
  switch (type) {
    case value_type::boolean:
      if (text == "true" || text == "1") return true;
      if (text == "false" || text == "0") return false;
      return std::nullopt;
    case value_type::integer: return parse_whole<std::int64_t>(text);
    case value_type::number: return parse_number(text);
    case value_type::timestamp:
      if (const auto timestamp_us = parse_timestamp_us(text)) return parameter_value(*timestamp_us);
      return std::nullopt;
    case value_type::date:
      if (const auto days = parse_date_days(text)) return parameter_value(std::int64_t{*days});
      return std::nullopt;
    case value_type::text:
      if (is_valid_utf8(text)) return parameter_value(std::string(text));
      return std::nullopt;
  }
  return std::nullopt;
}

result<void> refuse_unknown(const query_definition& definition, const parameters& values) {
  for (const auto& [name, value] : values) {
    if (std::ranges::find(definition.parameters, name, &parameter::name) !=
        definition.parameters.end())
      continue;
    std::string known;
    for (const auto& declared : definition.parameters)
      known += (known.empty() ? "" : ", ") + declared.name;
    return fail(error_code::invalid_argument,
                fmt::format("the query {} has no parameter '{}'", definition.name, name),
                place_of(name),
                known.empty() ? "it takes no parameters" : "its parameters are: " + known);
  }
  return {};
}

result<parameter_value> value_of(const query_definition& definition, const parameter& declared,
                                 const parameters& values) {
  if (const auto given = values.find(declared.name); given != values.end())
    return parse_parameter(declared, given->second);
  if (declared.default_value) return parse_parameter(declared, *declared.default_value);
  return fail(error_code::invalid_argument,
              fmt::format("the query {} needs the parameter '{}': {}", definition.name,
                          declared.name, expectation(declared.type)),
              place_of(declared.name));
}

/// Puts `chunk_of(name)` in the place of each `{name}`; the reason when a name is unknown or a
/// brace is alone.
template <class ChunkOf>
result<std::string> fill_in(std::string_view expression, const query_definition& definition,
                            ChunkOf chunk_of) {
  std::string filled;
  while (!expression.empty()) {
    const auto open = expression.find('{');
    filled += expression.substr(0, open);
    if (open == expression.npos) break;
    const auto close = expression.find('}', open);
    const auto name =
        expression.substr(open + 1, close == expression.npos ? close : close - open - 1);
    const auto declared = std::ranges::find(definition.parameters, name, &parameter::name);
    if (close == expression.npos || declared == definition.parameters.end()) {
      return fail(error_code::invalid_argument,
                  fmt::format("the dependency names '{{{}}}', which is not a parameter", name),
                  definition.file, "declare the parameter, or write * for any value");
    }
    filled += chunk_of(static_cast<std::size_t>(declared - definition.parameters.begin()));
    expression.remove_prefix(close + 1);
  }
  return filled;
}

result<std::vector<keyexpr::key_expression>> dependencies_of(
    const query_definition& definition, const std::vector<std::string>& chunks) {
  static const std::vector<std::string> everything{"events/**"};
  std::vector<keyexpr::key_expression> expressions;
  for (const auto& written : definition.depends_on_all ? everything : definition.depends_on) {
    auto filled = fill_in(written, definition, [&](std::size_t index) { return chunks[index]; });
    if (!filled) return std::unexpected(std::move(filled.error()));
    auto parsed = keyexpr::key_expression::parse(*filled);
    if (!parsed) {
      return fail(error_code::invalid_argument,
                  fmt::format("the dependency '{}' is no key expression: {}", *filled,
                              parsed.error().message),
                  definition.file);
    }
    expressions.push_back(std::move(*parsed));
  }
  return expressions;
}

/// Everything that a result depends on besides the data. Lengths keep neighbouring parts apart.
std::string canonical_request(const known_query& query, const std::vector<std::string>& texts,
                              const std::vector<keyexpr::key_expression>& dependencies) {
  std::string canonical(identity_version);
  const auto add = [&canonical](std::string_view part) {
    canonical += fmt::format("\n{}:{}", part.size(), part);
  };
  add(query.sql_hash.hex());
  for (std::size_t index = 0; index < texts.size(); ++index) {
    add(query.definition.parameters[index].name);
    add(to_string(query.definition.parameters[index].type));
    add(texts[index]);
  }
  // Two queries with one text but other dependencies must not share an entry: one of them would not
  // notice an event.
  for (const auto& dependency : dependencies) add(dependency.str());
  return canonical;
}

}  // namespace

const query_definition& bound_query::definition() const noexcept {
  return state_->query->definition;
}
const hash128& bound_query::identity() const noexcept {
  return state_->identity;
}
std::int64_t bound_query::moved_at() const noexcept {
  return state_->moved_at();
}

milliseconds deadline_of(const query_definition& definition) noexcept {
  constexpr std::int64_t deadline_ms_max = 86'400'000;
  return milliseconds(std::clamp<std::int64_t>(definition.deadline_ms, 0, deadline_ms_max));
}

std::int64_t bound_query::state::moved_at() const noexcept {
  std::int64_t moved = 0;
  for (const auto& node : nodes) moved = std::max(moved, node->moved_at());
  return moved;
}

std::optional<swr::stored_dependency> bound_query::state::stored() const {
  return stored_form(nodes);
}

bool bound_query::state::same_request(const state& other) const noexcept {
  if (this == &other) return true;
  return identity == other.identity && canonical == other.canonical &&
         (query == other.query || query->definition.sql == other.query->definition.sql);
}

result<parameter_value> parse_parameter(const parameter& declared, std::string_view text) {
  if (auto value = parse_value(declared.type, text)) return std::move(*value);
  constexpr std::size_t shown_bytes_max = 64;
  const bool text_type = declared.type == value_type::text;
  return fail(error_code::invalid_argument,
              text_type ? fmt::format("the parameter '{}' is not valid UTF-8", declared.name)
                        : fmt::format("'{}' is not {}", text.substr(0, shown_bytes_max),
                                      expectation(declared.type)),
              place_of(declared.name));
}

std::string canonical_text(const parameter_value& value, value_type type) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  const auto integer = std::get<std::int64_t>(value);
  if (type == value_type::timestamp) return format_timestamp_us(integer);
  if (type == value_type::date) return format_date_days(integer);
  return std::to_string(integer);
}

result<void> check_dependencies(const query_definition& definition) {
  const std::vector<std::string> chunks(definition.parameters.size(), "x");
  auto parsed = dependencies_of(definition, chunks);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return {};
}

result<bound_query> bind_query(std::shared_ptr<const known_query> query, const parameters& values,
                               keyexpr::moved_tree& tree) {
  const query_definition& definition = query->definition;
  if (auto known = refuse_unknown(definition, values); !known)
    return std::unexpected(std::move(known.error()));
  auto bound = std::make_shared<bound_query::state>();
  std::vector<std::string> texts;
  std::vector<std::string> chunks;
  for (const auto& declared : definition.parameters) {
    auto value = value_of(definition, declared, values);
    if (!value) return std::unexpected(std::move(value.error()));
    texts.push_back(canonical_text(*value, declared.type));
    chunks.push_back(keyexpr::escape_chunk(texts.back()));
    bound->values.push_back(std::move(*value));
  }
  auto dependencies = dependencies_of(definition, chunks);
  if (!dependencies) return std::unexpected(std::move(dependencies.error()));
  // Registered before any computation: a computation cannot miss a move that its nodes did not see.
  for (const auto& dependency : *dependencies) bound->nodes.push_back(tree.acquire(dependency));
  bound->canonical = canonical_request(*query, texts, *dependencies);
  bound->identity = hash_bytes_128(bound->canonical);
  bound->query = std::move(query);
  return bound_query(std::move(bound));
}

}  // namespace lodestar::analytics
