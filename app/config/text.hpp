// Small readings of texts that files, flags and requests have in common. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lodestar::app {

/// Reads a decimal integer that fills the whole text.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;

/// The text without blanks at its ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// Whether it may stand in SQL, in an HTML id and in a URL without escaping: letters, digits and _,
/// beginning with a letter, at most 63.
[[nodiscard]] bool is_identifier(std::string_view text) noexcept;
/// How to correct a text that is none.
inline constexpr const char* plain_name_hint =
    "use letters, digits and _, beginning with a letter, at most 63";

}  // namespace lodestar::app
