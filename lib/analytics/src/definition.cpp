#include <lodestar/analytics/definition.hpp>

#include <array>
#include <utility>

#include "bound_query.hpp"

namespace lodestar::analytics {
namespace {

constexpr std::array<std::pair<value_type, std::string_view>, 6> value_type_names{{
    {value_type::boolean, "boolean"},
    {value_type::integer, "integer"},
    {value_type::number, "number"},
    {value_type::text, "text"},
    {value_type::timestamp, "timestamp"},
    {value_type::date, "date"},
}};

}  // namespace

std::string_view to_string(value_type type) noexcept {
  for (const auto& [known, name] : value_type_names) {
    if (known == type) return name;
  }
  return "text";
}

std::optional<value_type> parse_value_type(std::string_view name) noexcept {
  for (const auto& [type, known] : value_type_names) {
    if (known == name) return type;
  }
  return std::nullopt;
}

result<void> check_value(const parameter& declared, std::string_view text) {
  if (auto value = parse_parameter(declared, text); !value)
    return std::unexpected(std::move(value.error()));
  return {};
}

}  // namespace lodestar::analytics
