// Puts names and texts into SQL. Stateless; may be called from any thread.
#pragma once

#include <string>
#include <string_view>

namespace lodestar::analytics {

/// `"na""me"`
[[nodiscard]] std::string quote_identifier(std::string_view name);

/// `'it''s'`
[[nodiscard]] std::string quote_literal(std::string_view text);

}  // namespace lodestar::analytics
