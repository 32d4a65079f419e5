// Values as people read them, and as the page's charts read them.
#pragma once

#include <string>
#include <string_view>

#include <lodestar/analytics/query_result.hpp>

#include "config/project.hpp"

namespace lodestar::app {

/// A value for people and its unit, apart, because pages style them differently: "81.1" and "%".
struct shown_value {
  std::string text;
  std::string unit;

  /// "81.1 %", or "–" for null.
  [[nodiscard]] std::string joined() const;
};

[[nodiscard]] shown_value show(const analytics::cell& value, analytics::value_type type,
                               value_format format, std::string_view unit);

/// The number in a cell; nothing for null and for what is no number.
[[nodiscard]] std::optional<double> as_number(const analytics::cell& value);

/// The text of a cell as it stands in a URL or an option: texts as they are, numbers in full, ""
/// for null.
[[nodiscard]] std::string as_text(const analytics::cell& value, analytics::value_type type);

/// Appends the JSON of a cell as charts want it: timestamps RFC 3339, NaN and infinities null.
void append_json(std::string& out, const analytics::cell& value, analytics::value_type type);

/// "mean_delay" → "Mean delay".
[[nodiscard]] std::string title_of_column(std::string_view name);

/// Percent-encodes everything but unreserved characters (RFC 3986).
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace lodestar::app
