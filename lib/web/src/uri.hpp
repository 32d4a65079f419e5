// Request targets: percent decoding, paths that cannot escape, query parameters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/web/http.hpp>

namespace lodestar::web {

/// More parameters than that are refused (too_large).
inline constexpr std::size_t query_parameters_max = 256;

struct target_parts {
  std::string_view authority;  ///< Of "http://authority/path", otherwise empty.
  std::string_view path;       ///< As sent; "/" for "*" and for an absolute form without a path.
  std::string_view query;      ///< Without the '?'.
};

/// Splits a request target in origin form, absolute form or "*"; the views point into it.
[[nodiscard]] result<target_parts> split_target(std::string_view target);

/// Decodes once. Refuses malformed escapes, control characters, backslashes, encoded slashes,
/// invalid UTF-8 and the segments "." and ".." however they are written; repeated slashes become
/// one.
[[nodiscard]] result<std::string> decode_path(std::string_view path);

/// Decodes "a=1&b=x+y". A name without '=' has an empty value; empty parts are skipped.
[[nodiscard]] result<std::vector<name_value>> decode_query(std::string_view query);

}  // namespace lodestar::web
