// A blocking HTTP client on a bare socket: little between the benchmark and the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lodestar::bench {

/// A connected socket to 127.0.0.1 without delay; throws when there is nobody.
[[nodiscard]] int connect_to(std::uint16_t port);
[[nodiscard]] bool can_connect(std::uint16_t port) noexcept;
/// A port that was free a moment ago.
[[nodiscard]] std::uint16_t free_port();

struct http_answer {
  int status = 0;
  std::string head;
  std::string body;
  /// The value of a header as it is written, or empty.
  [[nodiscard]] std::string header(std::string_view name) const;
};

/// One keep-alive connection. Not thread-safe. Everything throws when the connection breaks or is
/// silent for a minute.
class http_connection {
 public:
  explicit http_connection(std::uint16_t port) : socket_(connect_to(port)) {}
  ~http_connection();
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  http_answer get(std::string_view target);
  http_answer post(std::string_view target, std::string_view content_type, std::string_view body);

 private:
  http_answer exchange(std::string_view request);
  void send_all(std::string_view bytes);
  void receive();

  int socket_;
  std::string buffer_;
};

/// Throws unless the status is 2xx.
const http_answer& expect_success(const http_answer& answer);
/// The number behind the last `"name":` of a JSON text; throws when there is none.
[[nodiscard]] std::int64_t last_number(std::string_view json, std::string_view name);

}  // namespace lodestar::bench
