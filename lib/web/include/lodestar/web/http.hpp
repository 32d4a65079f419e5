// Requests and responses as the application sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lodestar/base/bytes.hpp>
#include <lodestar/base/error.hpp>

namespace lodestar::web {

enum class method : std::uint8_t { get, head, post, put, patch, delete_, options, other };

using name_value = std::pair<std::string, std::string>;

/// A whole request. Owns its texts, so it may be kept and moved to another thread.
struct request {
  method verb = method::get;
  std::string target;  ///< As sent: "/d/airport?airport=ATL".
  std::string path;    ///< Percent-decoded, normalised; starts with '/'. A path that escapes is
                       ///< refused before.
  std::vector<name_value> query;    ///< Percent-decoded, in order; '+' is a space.
  std::vector<name_value> headers;  ///< Names in lower case, in order.
  std::string body;
  std::string remote_address;

  /// The first header of that (lower-case) name, or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  /// The first query parameter of that name.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

/// Status line and headers, serialised once, without Date and Connection; shared by every answer
/// that uses it. Header values are checked: CR, LF and NUL are a programmer error.
class response_head {
 public:
  response_head() = default;
  response_head(int status, std::vector<name_value> headers);
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const shared_bytes& serialized() const noexcept { return serialized_; }

 private:
  int status_ = 200;
  shared_bytes serialized_;
};

/// An answer: a head made beforehand, headers of this answer only, and a shared body.
/// Content-Length, Date and Connection are added when it is sent; HEAD and 304 send no body.
struct response {
  response_head head;
  std::vector<name_value> headers;
  shared_bytes body;

  [[nodiscard]] static response text(int status, std::string content_type, std::string body);
};

/// The HTTP status of an error code.
[[nodiscard]] int status_of(error_code code) noexcept;

/// An application/problem+json answer (RFC 9457) with code, title, detail, place, hint and errorId.
/// The id is new, and the log has the error under it: as a warning when the fault is the server's.
[[nodiscard]] response problem(const error& what);
/// The same with a status that the error code alone does not tell (405, 415 …).
[[nodiscard]] response problem(int status, const error& what);

}  // namespace lodestar::web
