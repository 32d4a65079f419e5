#include <lodestar/keyexpr/key_expression.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <lodestar/base/utf8.hpp>

#include "chunks.hpp"

namespace lodestar::keyexpr {

namespace {

using detail::chunk_walk;

error wrong_at(std::size_t offset, std::string message, std::string hint = {}) {
  return {.code = error_code::invalid_argument,
          .message = std::move(message),
          .place = "offset " + std::to_string(offset),
          .hint = std::move(hint)};
}

/// Why the chunk is not valid. `offset` is where it begins in the whole text.
std::optional<error> check_chunk(std::string_view chunk, std::size_t offset) {
  if (chunk.empty()) {
    return wrong_at(offset, "a chunk of a key expression is empty",
                    "remove a '/' at the beginning, at the end or beside another one");
  }
  if (detail::is_any_one(chunk) || detail::is_any_many(chunk)) return std::nullopt;
  for (std::size_t index = 0; index < chunk.size();) {
    const char each = chunk[index];
    if (each == '#' || each == '?') {
      return wrong_at(offset + index,
                      std::string("'") + each + "' is forbidden in a key expression");
    }
    if (each == '*') {
      return wrong_at(offset + index, "'*' stands inside a chunk",
                      "use '$*' for any characters inside a chunk");
    }
    if (each == '$' && chunk.substr(index, 2) != "$*") {
      return wrong_at(offset + index, "'$' is not followed by '*'");
    }
    const std::size_t length = each == '$' ? 2 : utf8_sequence_bytes(chunk.substr(index));
    if (length == 0) return wrong_at(offset + index, "a key expression must be UTF-8");
    index += length;
  }
  return std::nullopt;
}

std::optional<error> check(std::string_view text) {
  if (text.empty()) return wrong_at(0, "a key expression is empty");
  if (text.size() > key_expression_bytes_max) {
    return error{.code = error_code::too_large,
                 .message = "a key expression is longer than " +
                            std::to_string(key_expression_bytes_max) + " bytes",
                 .place = "offset " + std::to_string(key_expression_bytes_max),
                 .hint = {}};
  }
  for (chunk_walk walk(text); !walk.ended(); walk.advance()) {
    if (auto problem = check_chunk(walk.chunk(), walk.offset())) return problem;
  }
  return std::nullopt;
}

/// Runs of `$*` collapse, and a chunk of nothing else is `*`.
std::string canonical_chunk(std::string_view chunk) {
  std::string out;
  for (std::size_t index = 0; index < chunk.size(); ++index) {
    if (chunk.substr(index, 2) == "$*") {
      if (!out.ends_with("$*")) out += "$*";
      ++index;
    } else {
      out += chunk[index];
    }
  }
  return out == "$*" ? "*" : out;
}

void append_chunk(std::string& out, std::string_view chunk) {
  if (!out.empty()) out += '/';
  out += chunk;
}

/// A `**` waits until something other than `*` or `**` follows: single wildcards move to its left,
/// its like vanish.
std::string canonize(std::string_view text) {
  std::string out;
  bool any_many_waits = false;
  for (chunk_walk walk(text); !walk.ended(); walk.advance()) {
    const std::string chunk = canonical_chunk(walk.chunk());
    if (detail::is_any_many(chunk)) {
      any_many_waits = true;
      continue;
    }
    if (any_many_waits && !detail::is_any_one(chunk)) {
      append_chunk(out, "**");
      any_many_waits = false;
    }
    append_chunk(out, chunk);
  }
  if (any_many_waits) append_chunk(out, "**");
  return out;
}

bool holds_wildcard(std::string_view text) {
  for (chunk_walk walk(text); !walk.ended(); walk.advance()) {
    if (detail::is_wild(walk.chunk())) return true;
  }
  return false;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> chunks;
  for (chunk_walk walk(text); !walk.ended(); walk.advance()) chunks.push_back(walk.chunk());
  return chunks;
}

bool holds_any_many(const std::vector<std::string_view>& chunks) {
  return std::ranges::any_of(chunks, detail::is_any_many);
}

bool intersect_one_by_one(const std::vector<std::string_view>& left,
                          const std::vector<std::string_view>& right) {
  return std::ranges::equal(left, right, detail::chunks_intersect);
}

/// Whether the `**` of one side may swallow the chunk of the other.
bool swallowable(std::string_view chunk) noexcept {
  return !detail::is_verbatim(chunk);
}

/// reachable[j] of row i says: left's first i chunks and right's first j chunks have a list of
/// chunks in common. A `**` that is consumed stands for none; it swallows by staying where it is
/// while the other side advances.
bool intersect_lists(const std::vector<std::string_view>& left,
                     const std::vector<std::string_view>& right) {
  const std::size_t width = right.size() + 1;
  std::vector<std::uint8_t> row(width, 0);
  std::vector<std::uint8_t> above(width, 0);
  row[0] = 1;
  for (std::size_t j = 1; j < width; ++j) {
    row[j] = row[j - 1] != 0 && detail::is_any_many(right[j - 1]) ? 1 : 0;
  }
  for (const std::string_view chunk : left) {
    std::swap(row, above);
    const bool many = detail::is_any_many(chunk);
    row[0] = many ? above[0] : 0;
    for (std::size_t j = 1; j < width; ++j) {
      const std::string_view other = right[j - 1];
      const bool other_many = detail::is_any_many(other);
      const bool by_left = many && (above[j] != 0 || (row[j - 1] != 0 && swallowable(other)));
      const bool by_right =
          other_many && (row[j - 1] != 0 || (above[j] != 0 && swallowable(chunk)));
      const bool by_both =
          !many && !other_many && above[j - 1] != 0 && detail::chunks_intersect(chunk, other);
      row[j] = by_left || by_right || by_both ? 1 : 0;
    }
  }
  return row.back() != 0;
}

constexpr std::string_view escaped_characters = "/*$#?%";
constexpr std::string_view hexadecimal_digits = "0123456789ABCDEF";
constexpr std::string_view empty_chunk = "%";

void append_escaped(std::string& out, char byte) {
  const auto value = static_cast<unsigned char>(byte);
  out += '%';
  out += hexadecimal_digits[value >> 4U];
  out += hexadecimal_digits[value & 0x0FU];
}

bool must_escape(std::string_view text, std::size_t index) noexcept {
  const char each = text[index];
  const bool control = static_cast<unsigned char>(each) < 0x20 || each == 0x7F;
  return control || escaped_characters.find(each) != std::string_view::npos ||
         (index == 0 && each == '@');
}

std::optional<char> byte_of(std::string_view digits) noexcept {
  if (digits.size() != 2) return std::nullopt;
  const std::size_t high = hexadecimal_digits.find(digits[0]);
  const std::size_t low = hexadecimal_digits.find(digits[1]);
  if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(high * 16 + low));
}

}  // namespace

result<key_expression> key_expression::parse(std::string_view text) {
  if (auto problem = check(text)) return std::unexpected(*std::move(problem));
  std::string canonical = canonize(text);
  const bool wildcard = holds_wildcard(canonical);
  return key_expression(std::move(canonical), wildcard);
}

bool intersects(const key_expression& left, const key_expression& right) {
  if (left.str() == right.str()) return true;
  if (!left.has_wildcard() && !right.has_wildcard()) return false;
  const auto left_chunks = split(left.str());
  const auto right_chunks = split(right.str());
  const bool any_many = holds_any_many(left_chunks) || holds_any_many(right_chunks);
  return any_many ? intersect_lists(left_chunks, right_chunks)
                  : intersect_one_by_one(left_chunks, right_chunks);
}

std::string escape_chunk(std::string_view text) {
  if (text.empty()) return std::string(empty_chunk);
  std::string out;
  for (std::size_t index = 0; index < text.size();) {
    const std::size_t length = utf8_sequence_bytes(text.substr(index));
    if (length == 0 || must_escape(text, index)) {
      append_escaped(out, text[index]);
      ++index;
    } else {
      out += text.substr(index, length);
      index += length;
    }
  }
  return out;
}

result<std::string> unescape_chunk(std::string_view chunk) {
  if (chunk == empty_chunk) return std::string();
  std::string text;
  for (std::size_t index = 0; index < chunk.size();) {
    if (chunk[index] != '%') {
      text += chunk[index++];
      continue;
    }
    const auto byte = byte_of(chunk.substr(index + 1, 2));
    if (!byte)
      return std::unexpected(wrong_at(index, "'%' is not followed by two hexadecimal digits"));
    text += *byte;
    index += 3;
  }
  // Two chunks must never stand for one text, so only what escape_chunk writes is accepted.
  if (escape_chunk(text) != chunk) {
    return fail(error_code::invalid_argument, "the chunk is not in the form that escaping gives");
  }
  return text;
}

}  // namespace lodestar::keyexpr
