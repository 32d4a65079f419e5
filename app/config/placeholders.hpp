// Texts with {name} in them: a tile's parameters and its link.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lodestar::app {

/// Replaces each {name} by what `value_of(name)` answers; a name without an answer stays as it is.
template <class ValueOf>
[[nodiscard]] std::string fill_template(std::string_view pattern, ValueOf value_of) {
  std::string out;
  while (!pattern.empty()) {
    const auto open = pattern.find('{');
    const auto close = open == std::string_view::npos ? open : pattern.find('}', open);
    if (close == std::string_view::npos) break;
    out.append(pattern.substr(0, open));
    const std::optional<std::string> value = value_of(pattern.substr(open + 1, close - open - 1));
    out.append(value ? *value : std::string(pattern.substr(open, close - open + 1)));
    pattern.remove_prefix(close + 1);
  }
  return out.append(pattern);
}

/// The names in braces, in order; they point into the pattern.
[[nodiscard]] inline std::vector<std::string_view> placeholders(std::string_view pattern) {
  std::vector<std::string_view> names;
  (void)fill_template(pattern, [&names](std::string_view name) -> std::optional<std::string> {
    names.push_back(name);
    return std::nullopt;
  });
  return names;
}

/// Whether a brace stands without its partner: somebody meant a name and mistyped it.
[[nodiscard]] inline bool has_stray_brace(std::string_view pattern) {
  const auto rest = fill_template(
      pattern, [](std::string_view) { return std::optional<std::string>(std::string()); });
  return rest.find_first_of("{}") != std::string::npos;
}

}  // namespace lodestar::app
