// Parsing never crashes; what it accepts is a fixed point of parsing; intersecting is symmetric;
// escaping round-trips.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <lodestar/base/assert.hpp>
#include <lodestar/keyexpr/key_expression.hpp>

namespace {

using lodestar::keyexpr::key_expression;

void check_parse(std::string_view text) {
  const auto parsed = key_expression::parse(text);
  if (!parsed) return;
  const auto again = key_expression::parse(parsed->str());
  LODESTAR_ASSERT(again.has_value(), "a canonical text is valid");
  LODESTAR_ASSERT(*again == *parsed, "a canonical text stays as it is");
  LODESTAR_ASSERT(intersects(*parsed, *parsed), "no expression is empty");
}

void check_pair(std::string_view left, std::string_view right) {
  const auto one = key_expression::parse(left);
  const auto other = key_expression::parse(right);
  if (!one || !other) return;
  LODESTAR_ASSERT(intersects(*one, *other) == intersects(*other, *one),
                  "intersecting is symmetric");
}

void check_escape(std::string_view text) {
  const auto chunk = lodestar::keyexpr::escape_chunk(text);
  const auto back = lodestar::keyexpr::unescape_chunk(chunk);
  LODESTAR_ASSERT(back && *back == text, "escaping round-trips");
  const auto parsed = key_expression::parse(chunk);
  if (chunk.size() > lodestar::keyexpr::key_expression_bytes_max) return;
  LODESTAR_ASSERT(parsed && parsed->str() == chunk && !parsed->has_wildcard(),
                  "an escaped text is one plain chunk");
  static_cast<void>(lodestar::keyexpr::unescape_chunk(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A line feed, which is a legal character too, separates two expressions.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_parse(text);
  check_escape(text);
  const std::size_t middle = text.find('\n');
  if (middle != std::string_view::npos) check_pair(text.substr(0, middle), text.substr(middle + 1));
  return 0;
}
