// One answer on its way to a socket: the shared head, the lines of this answer only, the shared
// body.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <lodestar/web/http.hpp>

namespace lodestar::web {

enum class write_status : std::uint8_t { done, blocked, failed };

/// Sends what fits of up to three parts, from `sent_bytes` on, with one system call per try and
/// without waiting. Adds to `sent_bytes`.
[[nodiscard]] write_status write_parts(int socket, std::string_view first, std::string_view second,
                                       std::string_view third, std::size_t& sent_bytes) noexcept;

struct outgoing {
  shared_bytes head;
  std::string own_lines;
  shared_bytes body;
  std::size_t sent_bytes = 0;

  [[nodiscard]] write_status write(int socket) noexcept {
    return write_parts(socket, head.view(), own_lines, body.view(), sent_bytes);
  }
};

/// How the request wants to be answered.
struct answer_style {
  bool keep_alive = true;
  bool is_http_1_0 = false;
  bool without_body = false;  ///< HEAD.
};

/// Replaces `out` by the headers of this answer only, with Date and Connection, up to and including
/// the empty line.
void write_own_lines(std::string& out, const response& answer, const answer_style& style,
                     std::string_view date_line);

}  // namespace lodestar::web
