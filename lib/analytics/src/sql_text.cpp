#include "sql_text.hpp"

#include <algorithm>

#include <lodestar/base/ascii.hpp>

namespace lodestar::analytics {
namespace {

bool is_word(char character) noexcept {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '_' ||
         static_cast<unsigned char>(character) >= 0x80;
}

class lexer {
 public:
  explicit lexer(std::string_view sql) noexcept : sql_(sql) {}

  std::vector<sql_token> run() {
    std::vector<sql_token> tokens;
    while (at_ < sql_.size()) {
      if (!skip_blank_or_comment()) tokens.push_back(next());
    }
    return tokens;
  }

 private:
  [[nodiscard]] bool starts(std::string_view text) const noexcept {
    return sql_.substr(at_).starts_with(text);
  }

  bool skip_blank_or_comment() noexcept {
    if (static_cast<unsigned char>(sql_[at_]) <= ' ') {
      ++at_;
      return true;
    }
    if (starts("--")) {
      at_ = std::min(sql_.find('\n', at_), sql_.size());
      return true;
    }
    if (!starts("/*")) return false;
    at_ += 2;
    for (int depth = 1; depth > 0 && at_ < sql_.size();) {
      depth += starts("/*") ? 1 : starts("*/") ? -1 : 0;  // They nest.
      at_ += starts("/*") || starts("*/") ? 2U : 1U;
    }
    at_ = std::min(at_, sql_.size());
    return true;
  }

  sql_token next() noexcept {
    const std::size_t begin = at_;
    const char first = sql_[at_];
    if (first == '\'') return literal(begin, false);
    if (first == '"') return quoted_name(begin);
    if (first == '$') return dollar(begin);
    if (!is_word(first)) {
      ++at_;
      return token(sql_token_kind::other, begin, begin, at_);
    }
    while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    const bool escapes = at_ - begin == 1 && ascii_lower(first) == 'e' && starts("'");
    return escapes ? literal(begin, true) : token(sql_token_kind::word, begin, begin, at_);
  }

  sql_token literal(std::size_t begin, bool escapes) noexcept {
    at_ = sql_.find('\'', at_) + 1;
    while (at_ < sql_.size() && sql_[at_] != '\'') at_ += escapes && sql_[at_] == '\\' ? 2U : 1U;
    at_ = std::min(
        at_ + 1,
        sql_.size());  // A doubled quote begins a second literal at once, which is as good here.
    return token(sql_token_kind::literal, begin, begin, at_);
  }

  sql_token quoted_name(std::size_t begin) noexcept {
    const std::size_t close = std::min(sql_.find('"', begin + 1), sql_.size());
    at_ = std::min(close + 1, sql_.size());
    return token(sql_token_kind::quoted_name, begin, begin + 1, close);
  }

  /// $name, $1, or a string between $tag$ and $tag$.
  sql_token dollar(std::size_t begin) noexcept {
    ++at_;
    while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    if (!starts("$")) return token(sql_token_kind::parameter, begin, begin + 1, at_);
    const std::string_view tag = sql_.substr(begin, at_ + 1 - begin);
    const std::size_t close = sql_.find(tag, at_ + 1);
    at_ = close == std::string_view::npos ? sql_.size() : close + tag.size();
    return token(sql_token_kind::literal, begin, begin, at_);
  }

  [[nodiscard]] sql_token token(sql_token_kind kind, std::size_t begin, std::size_t from,
                                std::size_t to) const noexcept {
    return {kind, sql_.substr(from, to - from), begin, at_};
  }

  std::string_view sql_;
  std::size_t at_ = 0;
};

/// What stands between the quotes: 'x', e'x', $$x$$, $tag$x$tag$.
std::string_view content_of_literal(std::string_view text) noexcept {
  const bool dollar = text.starts_with('$');
  const std::size_t open = dollar ? text.find('$', 1) + 1 : text.find('\'') + 1;
  const std::size_t close = dollar ? open : 1;
  return text.size() < open + close ? std::string_view()
                                    : text.substr(open, text.size() - open - close);
}

}  // namespace

std::vector<sql_token> sql_tokens(std::string_view sql) {
  return lexer(sql).run();
}

bool names(const sql_token& token, std::string_view identifier) noexcept {
  if (token.kind != sql_token_kind::word && token.kind != sql_token_kind::quoted_name) return false;
  return equal_ignoring_case(token.text, identifier);
}

bool quotes(const sql_token& token, std::string_view identifier) noexcept {
  return token.kind == sql_token_kind::literal &&
         equal_ignoring_case(content_of_literal(token.text), identifier);
}

std::string_view without_semicolon(std::string_view sql,
                                   const std::vector<sql_token>& tokens) noexcept {
  const auto end = std::ranges::find(tokens, ";", &sql_token::text);
  return end == tokens.end() ? sql : sql.substr(0, end->begin);
}

}  // namespace lodestar::analytics
