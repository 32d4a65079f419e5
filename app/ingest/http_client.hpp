// A small blocking HTTP client for our own commands: one keep-alive connection, deadlines on
// everything.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <lodestar/base/error.hpp>

namespace lodestar::app {

struct http_answer {
  int status = 0;
  std::string body;
};

/// Not thread-safe.
class http_client {
 public:
  /// `url` is "http://127.0.0.1:8080" or "http://[::1]:8080" with an optional "/" at its end.
  /// Errors: invalid_argument.
  [[nodiscard]] static result<std::unique_ptr<http_client>> make(std::string_view url);
  virtual ~http_client() = default;

  /// Sends the body and waits for the whole answer, at most deadline_ms, looking up the host's name
  /// included. Connects again when the connection was closed, with a deadline of its own. Errors:
  /// unavailable (no connection, or it broke: the outcome is then unknown), deadline_exceeded.
  [[nodiscard]] virtual result<http_answer> post(std::string_view path,
                                                 std::string_view content_type,
                                                 std::string_view body,
                                                 std::int64_t deadline_ms) = 0;
};

}  // namespace lodestar::app
