// What has to be known about the text of SQL without parsing it: its tokens. DuckDB does the
// parsing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lodestar::analytics {

enum class sql_token_kind : std::uint8_t { word, quoted_name, literal, parameter, other };

/// A piece of a statement; comments and blanks are not tokens, a string literal is one token.
struct sql_token {
  sql_token_kind kind = sql_token_kind::other;
  std::string_view text;  ///< Of a quoted name: without its quotes. Points into the statement.
  std::size_t begin = 0;  ///< Offset of the token, quotes included.
  std::size_t end = 0;
};

[[nodiscard]] std::vector<sql_token> sql_tokens(std::string_view sql);

/// Whether the token names the identifier; SQL's identifiers ignore the case, also quoted ones in
/// DuckDB.
[[nodiscard]] bool names(const sql_token& token, std::string_view identifier) noexcept;

/// Whether the token is a string literal with this content. DuckDB takes such a literal for a
/// table: FROM 'flight'. The case is ignored as in names; escapes are not resolved.
[[nodiscard]] bool quotes(const sql_token& token, std::string_view identifier) noexcept;

/// The statement without the semicolon that ends it and without what follows that.
[[nodiscard]] std::string_view without_semicolon(std::string_view sql,
                                                 const std::vector<sql_token>& tokens) noexcept;

}  // namespace lodestar::analytics
