#include "request_sink.hpp"

#include <algorithm>

#include <lodestar/base/ascii.hpp>

#include "server_limits.hpp"
#include "uri.hpp"

namespace lodestar::web {
namespace http = boost::beast::http;
namespace {

constexpr std::size_t body_reserve_bytes_max = 256u << 10;

std::string_view view_of(boost::beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

bool is_digits(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

method method_of(http::verb verb) noexcept {
  switch (verb) {
    case http::verb::get: return method::get;
    case http::verb::head: return method::head;
    case http::verb::post: return method::post;
    case http::verb::put: return method::put;
    case http::verb::patch: return method::patch;
    case http::verb::delete_: return method::delete_;
    case http::verb::options: return method::options;
    default: return method::other;
  }
}

}  // namespace

request_sink::request_sink(std::size_t body_bytes_max) {
  eager(true);
  body_limit(body_bytes_max);
  // Our head_scanner has applied the limits; Beast's must not be narrower.
  header_limit(static_cast<std::uint32_t>(2 * (request_line_bytes_max + header_bytes_max)));
}

request_sink::~request_sink() = default;

void request_sink::on_request_impl(http::verb verb, piece, piece target, int version, status&) {
  message.verb = method_of(verb);
  message.target.assign(target.data(), target.size());
  is_http_1_0 = version < 11;
}

void request_sink::on_response_impl(int, piece, int, status&) {}

void request_sink::on_field_impl(field known, piece name, piece value, status& code) {
  if (in_trailers_)
    take_trailer(view_of(name), view_of(value), code);
  else
    take_field(known, view_of(name), view_of(value), code);
}

void request_sink::take_field(field known, std::string_view name, std::string_view value,
                              status& code) {
  if (known == field::host) {
    check_host(value, code);
  } else if (known == field::content_length) {
    if (has_content_length_) return refuse(400, "there is more than one Content-Length", code);
    if (!is_digits(value)) return refuse(400, "Content-Length is not a number", code);
    has_content_length_ = true;
  } else if (known == field::transfer_encoding) {
    if (is_http_1_0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding", code);
    if (!equal_ignoring_case(value, "chunked"))
      return refuse(501, "the only Transfer-Encoding known is chunked", code);
  } else if (known == field::expect) {
    if (!equal_ignoring_case(value, "100-continue"))
      return refuse(417, "the only expectation known is 100-continue", code);
    expects_continue = !is_http_1_0;
  }
  if (code) return;
  message.headers.emplace_back(to_ascii_lower(name), std::string(value));
}

/// Trailers are read past: nobody may set a header behind the back of what was checked already.
void request_sink::take_trailer(std::string_view name, std::string_view value, status& code) {
  trailer_bytes_ += name.size() + value.size() + 4;
  if (trailer_bytes_ > header_bytes_max)
    refuse(431, "the trailers are longer than 16,384 bytes", code);
}

void request_sink::check_host(std::string_view value, status& code) {
  if (has_host_) return refuse(400, "there is more than one Host", code);
  has_host_ = true;
  if (value.find_first_of(" \t/\\@?#,") != std::string_view::npos)
    return refuse(400, "Host is not a host name", code);
  host_ = value;
}

void request_sink::on_header_impl(status& code) {
  in_trailers_ = true;
  if (!is_http_1_0 && !has_host_) return refuse(400, "Host is missing", code);
  resolve_target(code);
}

void request_sink::resolve_target(status& code) {
  const auto parts = split_target(message.target);
  if (!parts) return refuse(400, parts.error().message, code);
  if (!parts->authority.empty() && has_host_ && !equal_ignoring_case(parts->authority, host_)) {
    return refuse(400, "the target and Host name different hosts", code);
  }
  auto path = decode_path(parts->path);
  if (!path) return refuse(400, std::move(path.error().message), code);
  auto query = decode_query(parts->query);
  if (!query) {
    const int answer = query.error().code == error_code::too_large ? 414 : 400;
    return refuse(answer, std::move(query.error().message), code);
  }
  message.path = std::move(*path);
  message.query = std::move(*query);
}

void request_sink::on_body_init_impl(const boost::optional<std::uint64_t>& length, status&) {
  // No more than this on the client's word alone; beyond it the body grows as it arrives.
  if (length) message.body.reserve(std::min<std::size_t>(*length, body_reserve_bytes_max));
}

std::size_t request_sink::on_body_impl(piece body, status&) {
  message.body.append(body.data(), body.size());
  return body.size();
}

void request_sink::on_chunk_header_impl(std::uint64_t size, piece extensions, status& code) {
  chunk_bytes_left = size;
  if (!extensions.empty()) refuse(400, "chunk extensions are not accepted", code);
}

std::size_t request_sink::on_chunk_body_impl(std::uint64_t, piece body, status&) {
  chunk_bytes_left -= body.size();
  message.body.append(body.data(), body.size());
  return body.size();
}

void request_sink::on_finish_impl(status&) {}

void request_sink::refuse(int code, std::string message_text, status& result) {
  const auto kind = code == 413 || code == 414 || code == 431 ? error_code::too_large
                    : code == 501                             ? error_code::unsupported
                                                              : error_code::invalid_argument;
  refused = refusal{code, error{kind, std::move(message_text), {}, {}}};
  result = http::error::bad_value;
}

}  // namespace lodestar::web
