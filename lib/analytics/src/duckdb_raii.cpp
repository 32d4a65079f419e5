#include "duckdb_raii.hpp"

#include <charconv>
#include <string>

namespace lodestar::analytics {
namespace {

error_code code_of(duckdb_error_type type) noexcept {
  switch (type) {
    case DUCKDB_ERROR_INTERRUPT: return error_code::cancelled;
    case DUCKDB_ERROR_OUT_OF_MEMORY: return error_code::too_large;
    case DUCKDB_ERROR_PERMISSION: return error_code::permission_denied;
    case DUCKDB_ERROR_FATAL:
    case DUCKDB_ERROR_INTERNAL:
    case DUCKDB_ERROR_CONNECTION:
    case DUCKDB_ERROR_TRANSACTION:
    case DUCKDB_ERROR_NULL_POINTER:
    case DUCKDB_ERROR_SCHEDULER: return error_code::internal;
    default: return error_code::invalid_argument;
  }
}

/// DuckDB lists candidates one per line, with tabs.
std::string on_one_line(std::string_view text) {
  constexpr std::size_t hint_bytes_max = 300;
  std::string line;
  for (const char character : text.substr(0, hint_bytes_max)) {
    const bool blank = static_cast<unsigned char>(character) <= ' ';
    if (!blank) line += character;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace

error duckdb_failure(duckdb_error_type type, std::string_view message) {
  const std::string_view drawing = message.substr(0, message.find("\n\nLINE "));
  std::string_view first = drawing.substr(0, drawing.find('\n'));
  std::string_view rest =
      first.size() < drawing.size() ? drawing.substr(first.size() + 1) : std::string_view();
  if (const auto kind = first.find(" Error: "); kind != std::string_view::npos && kind < 24)
    first.remove_prefix(kind + 8);
  if (first.empty()) first = "DuckDB failed without a message";
  std::string hint = on_one_line(rest);
  if (type == DUCKDB_ERROR_OUT_OF_MEMORY)
    hint = "make the query smaller, or raise DuckDB's memory limit";
  return error{code_of(type), std::string(first), {}, std::move(hint)};
}

int duckdb_message_line(std::string_view message) noexcept {
  constexpr std::string_view mark = "\nLINE ";
  const auto at = message.rfind(mark);
  if (at == std::string_view::npos) return 0;
  int line = 0;
  const auto digits = message.substr(at + mark.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), line);
  return line;
}

}  // namespace lodestar::analytics
