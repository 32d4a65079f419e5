// Turns the bytes of a connection into requests, however they are cut. Boost.Beast's basic_parser
// does the grammar and the framing; the rules on top are those that keep two parsers from seeing
// different requests in the same bytes: exactly one Host, one Content-Length of digits alone,
// Transfer-Encoding of exactly "chunked" and never with Content-Length or HTTP/1.0, no chunk
// extensions, no folded lines.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include <lodestar/base/error.hpp>
#include <lodestar/web/http.hpp>

#include "head_scanner.hpp"

namespace lodestar::web {

enum class parse_step : std::uint8_t {
  need_more,  ///< Call again with what was not consumed and more behind it.
  head_read,  ///< The head is complete and a body follows; call again at once. Reported once per
              ///< request.
  complete,   ///< take() gives the request.
  refused,    ///< The connection must answer refusal() and close.
};

struct refusal {
  int status = 400;
  error what;
};

class request_sink;

class request_parser {
 public:
  explicit request_parser(std::size_t body_bytes_max) noexcept;
  ~request_parser();
  request_parser(const request_parser&) = delete;
  request_parser& operator=(const request_parser&) = delete;

  /// `input` begins with the first byte that was not consumed yet; `consumed_bytes` says how many
  /// are now.
  [[nodiscard]] parse_step feed(std::string_view input, std::size_t& consumed_bytes);

  /// Facts about the request of the present or just completed parse.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  [[nodiscard]] bool is_http_1_0() const noexcept { return is_http_1_0_; }
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  [[nodiscard]] method verb() const noexcept { return verb_; }
  [[nodiscard]] const refusal& why() const noexcept { return refusal_; }

  /// The completed request, without remote_address. Makes the parser ready for the next one.
  [[nodiscard]] request take();

 private:
  [[nodiscard]] parse_step feed_head(std::string_view input, std::size_t& consumed_bytes);
  [[nodiscard]] parse_step feed_body(std::string_view input, std::size_t& consumed_bytes);
  [[nodiscard]] parse_step refuse(int status, std::string message);
  void note_facts();

  std::size_t body_bytes_max_;
  head_scanner head_;
  std::unique_ptr<request_sink> sink_;  // Exists from the end of the head to take().
  refusal refusal_;
  method verb_ = method::get;
  bool keep_alive_ = false;
  bool is_http_1_0_ = false;
  bool expects_continue_ = false;
};

}  // namespace lodestar::web
