#include "uri.hpp"

#include <algorithm>

#include <lodestar/base/ascii.hpp>
#include <lodestar/base/utf8.hpp>

namespace lodestar::web {
namespace {

std::unexpected<error> refuse(std::string message) {
  return fail(error_code::invalid_argument, std::move(message), "request target");
}

int hex_value(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// The byte that the escape at the start of `text` means, or -1.
int escaped_byte(std::string_view text) noexcept {
  if (text.size() < 3) return -1;
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// Names and values of a query: everything but NUL and damaged UTF-8 is allowed.
result<std::string> decode_form(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '%') {
      const int byte = escaped_byte(text.substr(at));
      if (byte < 0) return refuse("the query holds a malformed percent escape");
      if (byte == 0) return refuse("the query holds a NUL");
      out += static_cast<char>(byte);
      at += 3;
    } else {
      out += text[at] == '+' ? ' ' : text[at];
      ++at;
    }
  }
  if (!is_valid_utf8(out)) return refuse("the query is not UTF-8");
  return out;
}

bool has_dot_segment(std::string_view path) noexcept {
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const auto segment = path.substr(begin, end - begin);
    if (segment == "." || segment == "..") return true;
    begin = end + 1;
  }
  return false;
}

result<target_parts> split_path(std::string_view authority, std::string_view rest) {
  const std::size_t question = rest.find('?');
  const auto path = rest.substr(0, question);
  return target_parts{
      authority, path.empty() ? std::string_view("/") : path,
      question == std::string_view::npos ? std::string_view() : rest.substr(question + 1)};
}

std::size_t scheme_bytes(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (equal_ignoring_case(target.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return 0;
}

}  // namespace

result<target_parts> split_target(std::string_view target) {
  if (target.find('#') != std::string_view::npos) return refuse("the target holds a fragment");
  if (target.starts_with('/')) return split_path({}, target);
  if (target == "*") return target_parts{{}, "/", {}};
  const std::size_t scheme = scheme_bytes(target);
  if (scheme == 0) return refuse("the target is neither a path nor an http address");
  const auto rest = target.substr(scheme);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  if (end == 0) return refuse("the target names no host");
  return split_path(rest.substr(0, end), rest.substr(end));
}

result<std::string> decode_path(std::string_view path) {
  if (!path.starts_with('/')) return refuse("the path does not begin with a slash");
  std::string out;
  out.reserve(path.size());
  bool ascii = true;
  for (std::size_t at = 0; at < path.size();) {
    char byte = path[at];
    if (byte == '%') {
      const int value = escaped_byte(path.substr(at));
      if (value < 0) return refuse("the path holds a malformed percent escape");
      if (value == '/') return refuse("the path holds an encoded slash");
      byte = static_cast<char>(value);
      at += 3;
    } else {
      ++at;
      if (byte == '/' && out.ends_with('/')) continue;
    }
    if (is_ascii_control(byte)) return refuse("the path holds a control character");
    if (byte == '\\') return refuse("the path holds a backslash");
    ascii = ascii && static_cast<unsigned char>(byte) < 0x80;
    out += byte;
  }
  if (!ascii && !is_valid_utf8(out)) return refuse("the path is not UTF-8");
  if (has_dot_segment(out)) return refuse("the path holds a segment '.' or '..'");
  return out;
}

result<std::vector<name_value>> decode_query(std::string_view query) {
  std::vector<name_value> out;
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const auto part = query.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty()) continue;
    if (out.size() == query_parameters_max) {
      return fail(error_code::too_large, "the query holds more than 256 parameters",
                  "request target");
    }
    const std::size_t equals = std::min(part.find('='), part.size());
    auto name = decode_form(part.substr(0, equals));
    if (!name) return std::unexpected(std::move(name.error()));
    auto value = decode_form(part.substr(std::min(equals + 1, part.size())));
    if (!value) return std::unexpected(std::move(value.error()));
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

}  // namespace lodestar::web
