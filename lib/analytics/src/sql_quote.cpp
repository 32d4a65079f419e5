#include <lodestar/analytics/sql_quote.hpp>

namespace lodestar::analytics {
namespace {

std::string quote(std::string_view text, char mark) {
  std::string quoted(1, mark);
  for (const char character : text) {
    if (character == mark) quoted += mark;
    quoted += character;
  }
  return quoted + mark;
}

}  // namespace

std::string quote_identifier(std::string_view name) {
  return quote(name, '"');
}

std::string quote_literal(std::string_view text) {
  return quote(text, '\'');
}

}  // namespace lodestar::analytics
