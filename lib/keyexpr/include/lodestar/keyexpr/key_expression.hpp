// Zenoh key expressions: names like events/Airport/ATL/7 and sets of names like events/Airport/**.
//
// A key expression is a list of non-empty UTF-8 chunks joined by '/'. `*` stands for exactly one
// chunk, `**` for any number of chunks (also none), `$*` for any characters inside one chunk. A
// chunk that begins with '@' is verbatim: only the identical chunk matches it. '#', '?' and '$'
// (except in `$*`) are forbidden. Every value of this class is in canonical form, so equal text
// means equal sets (but `**` and `*/**`, which name the same keys, stay two texts). Rules:
// https://github.com/eclipse-zenoh/roadmap/blob/main/rfcs/ALL/Key%20Expressions.md
//
// An immutable value; safe to share between threads.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include <lodestar/base/error.hpp>

namespace lodestar::keyexpr {

inline constexpr std::size_t key_expression_bytes_max = 4096;

class key_expression {
 public:
  /// Parses and canonizes. invalid_argument says where and why: error::place is "offset 3" (bytes
  /// from 0). too_large above key_expression_bytes_max.
  [[nodiscard]] static result<key_expression> parse(std::string_view text);

  [[nodiscard]] const std::string& str() const noexcept { return text_; }
  /// Whether it holds a wildcard; without one it names exactly one key.
  [[nodiscard]] bool has_wildcard() const noexcept { return wildcard_; }

  friend auto operator<=>(const key_expression&, const key_expression&) = default;

 private:
  key_expression(std::string text, bool wildcard) : text_(std::move(text)), wildcard_(wildcard) {}
  std::string text_;
  bool wildcard_ = false;
};

/// Whether at least one key belongs to both. Either side may hold wildcards.
/// Cost: the product of the numbers of chunks in the worst case, their sum without `**`.
[[nodiscard]] bool intersects(const key_expression& left, const key_expression& right);

/// Makes any text one chunk: percent-escapes `/ * $ # ? %`, control characters and a leading '@'.
/// Empty text becomes "%".
[[nodiscard]] std::string escape_chunk(std::string_view text);
/// The inverse of escape_chunk; invalid_argument when the text was not made by it.
[[nodiscard]] result<std::string> unescape_chunk(std::string_view chunk);

}  // namespace lodestar::keyexpr
