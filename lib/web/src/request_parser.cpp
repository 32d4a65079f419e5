#include "request_parser.hpp"

#include <algorithm>

#include <lodestar/base/assert.hpp>

#include "request_sink.hpp"
#include "server_limits.hpp"

namespace lodestar::web {
namespace http = boost::beast::http;
namespace {

constexpr std::size_t last_chunk_bytes = 5;  // "0", an empty line, and no trailers.

/// Whether the request line ends in a version, however unknown; otherwise it is simply malformed.
bool names_a_version(std::string_view head) noexcept {
  const auto line = head.substr(0, head.find('\r'));
  const auto version = line.substr(line.rfind(' ') + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) &&
         version[6] == '.' && is_digit(version[7]) && std::ranges::count(line, ' ') == 2;
}

refusal refusal_of(const boost::beast::error_code& code, std::string_view input) {
  if (code == http::error::body_limit) {
    return {413,
            {error_code::too_large, "the body is larger than allowed", {}, "send less at a time"}};
  }
  if (code == http::error::bad_version && names_a_version(input)) {
    return {505,
            {error_code::unsupported, "the only versions known are HTTP/1.1 and HTTP/1.0", {}, {}}};
  }
  return {400,
          {error_code::invalid_argument, "the request is malformed: " + code.message(), {}, {}}};
}

}  // namespace

request_parser::request_parser(std::size_t body_bytes_max) noexcept
    : body_bytes_max_(body_bytes_max) {}

request_parser::~request_parser() = default;

parse_step request_parser::feed(std::string_view input, std::size_t& consumed_bytes) {
  consumed_bytes = 0;
  LODESTAR_ASSERT(!sink_ || !sink_->is_done(),
                  "a completed request is taken before the next one is read");
  if (input.empty()) return parse_step::need_more;
  return sink_ ? feed_body(input, consumed_bytes) : feed_head(input, consumed_bytes);
}

parse_step request_parser::feed_head(std::string_view input, std::size_t& consumed_bytes) {
  const std::size_t head_bytes = head_.scan(input);
  if (head_.refused_status() != 0) return refuse(head_.refused_status(), head_.refused_reason());
  if (head_bytes == 0) return parse_step::need_more;
  sink_ = std::make_unique<request_sink>(body_bytes_max_);
  boost::beast::error_code code;
  consumed_bytes = sink_->put({input.data(), head_bytes}, code);
  if (code) {
    refusal_ = sink_->refused ? *sink_->refused : refusal_of(code, input);
    return parse_step::refused;
  }
  LODESTAR_ASSERT(consumed_bytes == head_bytes, "both scanners see the same end of the head");
  note_facts();
  return sink_->is_done() ? parse_step::complete : parse_step::head_read;
}

parse_step request_parser::feed_body(std::string_view input, std::size_t& consumed_bytes) {
  // Beast asserts that it never sees less of a last chunk, which bytes that come one by one would
  // break.
  const bool at_chunk_size = sink_->chunked() && sink_->chunk_bytes_left == 0;
  if (at_chunk_size && input.size() < last_chunk_bytes) return parse_step::need_more;
  boost::beast::error_code code;
  consumed_bytes = sink_->put({input.data(), input.size()}, code);
  if (code && code != http::error::need_more) {
    refusal_ = sink_->refused ? *sink_->refused : refusal_of(code, input);
    return parse_step::refused;
  }
  if (sink_->is_done()) return parse_step::complete;
  // What is left over is a chunk's size line or the trailers.
  if (input.size() - consumed_bytes > header_bytes_max) {
    return refuse(431, "the trailers are longer than 16,384 bytes");
  }
  return parse_step::need_more;
}

request request_parser::take() {
  LODESTAR_ASSERT(sink_ && sink_->is_done(), "there is a completed request");
  request message = std::move(sink_->message);
  sink_.reset();
  head_ = head_scanner();
  return message;
}

void request_parser::note_facts() {
  verb_ = sink_->message.verb;
  keep_alive_ = sink_->keep_alive();
  is_http_1_0_ = sink_->is_http_1_0;
  expects_continue_ = sink_->expects_continue;
}

parse_step request_parser::refuse(int status, std::string message) {
  const auto kind = status == 400 ? error_code::invalid_argument : error_code::too_large;
  refusal_ = {status, {kind, std::move(message), {}, {}}};
  return parse_step::refused;
}

}  // namespace lodestar::web
