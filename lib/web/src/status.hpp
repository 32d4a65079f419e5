// Status codes and what their lines say.
#pragma once

#include <string_view>

namespace lodestar::web {

/// "Not Found" of 404; "Unknown" of a code that Lodestar does not use.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

/// Whether an answer with that status may have a body and a Content-Length (not 1xx, 204, 304).
[[nodiscard]] constexpr bool has_body(int status) noexcept {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace lodestar::web
