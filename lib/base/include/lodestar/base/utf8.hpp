// Checking UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <string_view>

namespace lodestar {

/// Length of the valid sequence at the beginning of `text` (1 to 4), or 0 when there is none.
/// `text` must not be empty.
[[nodiscard]] std::size_t utf8_sequence_bytes(std::string_view text) noexcept;

[[nodiscard]] bool is_valid_utf8(std::string_view text) noexcept;

}  // namespace lodestar
