#include <lodestar/web/http.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <lodestar/base/ascii.hpp>
#include <lodestar/base/assert.hpp>
#include <lodestar/base/json.hpp>
#include <lodestar/base/logging.hpp>
#include <lodestar/base/random.hpp>

#include "header_text.hpp"
#include "status.hpp"

namespace lodestar::web {
namespace {

bool names(const std::vector<name_value>& headers, std::string_view name) noexcept {
  return std::ranges::any_of(
      headers, [&](const name_value& header) { return equal_ignoring_case(header.first, name); });
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_json_member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

/// RFC 9457. `code` is the stable name a program decides by; there is no `type` address to look up.
std::string problem_document(int status, const error& what, std::string_view error_id) {
  std::string out = fmt::format("{{\"status\":{}", status);
  append_json_member(out, "title", reason_phrase(status));
  append_json_member(out, "code", to_string(what.code));
  append_json_member(out, "detail", what.message);
  append_json_member(out, "place", what.place);
  append_json_member(out, "hint", what.hint);
  append_json_member(out, "errorId", error_id);
  out += "}\n";
  return out;
}

}  // namespace

std::string_view request::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string_view> request::parameter(std::string_view name) const noexcept {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

response_head::response_head(int status, std::vector<name_value> headers) : status_(status) {
  LODESTAR_ASSERT(status >= 200 && status <= 599, "an answer has a final status");
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  for (const auto& [name, value] : headers) {
    LODESTAR_ASSERT(is_header_name(name), "a header name is a token");
    LODESTAR_ASSERT(is_header_value(value), "a header value holds neither CR nor LF nor NUL");
    LODESTAR_ASSERT(!equal_ignoring_case(name, "content-length") &&
                        !equal_ignoring_case(name, "date") &&
                        !equal_ignoring_case(name, "connection") &&
                        !equal_ignoring_case(name, "transfer-encoding"),
                    "the server adds these headers itself");
    append_header(out, name, value);
  }
  // These hold for every answer, so no route can forget them.
  if (!names(headers, "x-content-type-options"))
    append_header(out, "X-Content-Type-Options", "nosniff");
  if (!names(headers, "referrer-policy")) append_header(out, "Referrer-Policy", "same-origin");
  serialized_ = shared_bytes(std::move(out));
}

bool is_header_name(std::string_view name) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           marks.contains(c);
  });
}

bool is_header_value(std::string_view value) noexcept {
  return std::ranges::none_of(value, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

response response::text(int status, std::string content_type, std::string body) {
  return {response_head(status, {{"Content-Type", std::move(content_type)}}),
          {},
          shared_bytes(std::move(body))};
}

int status_of(error_code code) noexcept {
  switch (code) {
    case error_code::invalid_argument: return 400;
    case error_code::not_found: return 404;
    case error_code::conflict: return 409;
    case error_code::already_exists: return 409;
    case error_code::too_large: return 413;
    case error_code::unsupported: return 501;
    case error_code::permission_denied: return 403;
    case error_code::deadline_exceeded: return 504;
    case error_code::cancelled: return 503;
    case error_code::unavailable: return 503;
    case error_code::storage_full: return 507;
    case error_code::corrupt: return 500;
    case error_code::internal: return 500;
  }
  return 500;
}

response problem(const error& what) {
  return problem(status_of(what.code), what);
}

response problem(int status, const error& what) {
  const std::string error_id = make_uuid_v7(system_clock(), system_random());
  log_line(status >= 500 ? log_level::warning : log_level::debug, "web", what.message,
           {{"status", status},
            {"code", to_string(what.code)},
            {"place", what.place},
            {"errorId", error_id}});
  std::vector<name_value> headers{{"Content-Type", "application/problem+json"},
                                  {"Cache-Control", "no-store"}};
  if (status == 503 || status == 429) headers.emplace_back("Retry-After", "1");
  return {response_head(status, std::move(headers)),
          {},
          shared_bytes(problem_document(status, what, error_id))};
}

}  // namespace lodestar::web
