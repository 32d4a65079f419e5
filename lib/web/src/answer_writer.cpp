#include "answer_writer.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <charconv>

#include <lodestar/base/assert.hpp>

#include "header_text.hpp"
#include "status.hpp"

namespace lodestar::web {
namespace {

struct parts {
  iovec vectors[3];
  std::size_t count = 0;

  void add(std::string_view text, std::size_t& skip_bytes) noexcept {
    const std::size_t skipped = skip_bytes < text.size() ? skip_bytes : text.size();
    skip_bytes -= skipped;
    if (skipped == text.size()) return;
    vectors[count++] = {const_cast<char*>(text.data()) + skipped, text.size() - skipped};
  }
};

void append_length(std::string& out, std::size_t bytes) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, bytes).ptr;
  out.append("Content-Length: ").append(digits, end).append("\r\n");
}

}  // namespace

write_status write_parts(int socket, std::string_view first, std::string_view second,
                         std::string_view third, std::size_t& sent_bytes) noexcept {
  for (;;) {
    parts rest;
    std::size_t skip_bytes = sent_bytes;
    rest.add(first, skip_bytes);
    rest.add(second, skip_bytes);
    rest.add(third, skip_bytes);
    if (rest.count == 0) return write_status::done;
    msghdr message{};
    message.msg_iov = rest.vectors;
    message.msg_iovlen = rest.count;
    const ssize_t written = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written >= 0) {
      sent_bytes += static_cast<std::size_t>(written);
      // The kernel took less than it was given: it is full, another try would only say so.
      if (sent_bytes < first.size() + second.size() + third.size()) return write_status::blocked;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return write_status::blocked;
    } else if (errno != EINTR) {
      return write_status::failed;
    }
  }
}

void write_own_lines(std::string& out, const response& answer, const answer_style& style,
                     std::string_view date_line) {
  out.clear();
  for (const auto& [name, value] : answer.headers) {
    LODESTAR_ASSERT(is_header_name(name), "a header name is a token");
    LODESTAR_ASSERT(is_header_value(value), "a header value holds neither CR nor LF nor NUL");
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (has_body(answer.head.status())) append_length(out, answer.body.size());
  out.append(date_line);
  if (!style.keep_alive)
    out.append("Connection: close\r\n");
  else if (style.is_http_1_0)
    out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

}  // namespace lodestar::web
