// What may stand in a header.
#pragma once

#include <string_view>

namespace lodestar::web {

/// An RFC 9110 token.
[[nodiscard]] bool is_header_name(std::string_view name) noexcept;
/// Free of CR, LF and NUL, so that it cannot end its line.
[[nodiscard]] bool is_header_value(std::string_view value) noexcept;

}  // namespace lodestar::web
