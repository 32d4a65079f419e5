// A small blocking HTTP client on a bare socket, for tests and benchmarks: it sends exactly the
// bytes it is given. Every wait ends after `patience`, so a test that waits for something that
// never comes fails instead of hanging.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lodestar::web::testing {

inline constexpr std::chrono::seconds patience{30};

[[nodiscard]] inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

[[nodiscard]] inline bool can_connect(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool connected =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return connected;
}

/// A port that was free a moment ago.
[[nodiscard]] inline std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t bytes = sizeof address;
  ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &bytes);
  ::close(socket);
  return ntohs(address.sin_port);
}

struct received {
  int status = 0;
  std::string head;  ///< Status line and headers with the empty line.
  std::string body;

  /// The value of the first header of that name as it was written, or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    const std::string line_begin = "\r\n" + std::string(name) + ": ";
    const std::size_t at = head.find(line_begin);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + line_begin.size();
    return std::string_view(head).substr(begin, head.find("\r\n", begin) - begin);
  }
};

class client {
 public:
  /// `receive_buffer_bytes` 0 leaves the system's default; a small one makes a slow reader quickly.
  explicit client(std::uint16_t port, int receive_buffer_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer_bytes != 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    }
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~client() { close(); }
  client(client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        ended_(other.ended_),
        reset_(other.reset_),
        buffer_(std::move(other.buffer_)) {}
  client& operator=(client&&) = delete;

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  /// Ends the connection with a reset.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void shutdown_sending() { ::shutdown(socket_, SHUT_WR); }

  [[nodiscard]] bool connected() const noexcept { return connected_; }
  [[nodiscard]] int socket() const noexcept { return socket_; }
  /// Whether the last reads found the end of the stream, and whether it was a reset.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] bool was_reset() const noexcept { return reset_; }
  /// What was received and not yet taken.
  [[nodiscard]] const std::string& buffer() const noexcept { return buffer_; }

  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Reads one answer; `to_head` when it has no body whatever its headers say. Nothing when the
  /// connection ends first.
  [[nodiscard]] std::optional<received> read_answer(bool to_head = false) {
    received answer;
    auto head = read_until("\r\n\r\n");
    if (!head) return std::nullopt;
    answer.head = std::move(*head);
    answer.status = std::atoi(answer.head.c_str() + 9);
    const auto length = answer.header("Content-Length");
    if (to_head || length.empty()) return answer;
    const auto bytes = static_cast<std::size_t>(std::atoll(std::string(length).c_str()));
    while (buffer_.size() < bytes) {
      if (!fill()) return std::nullopt;
    }
    answer.body = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return answer;
  }

  /// Everything up to and including the mark.
  [[nodiscard]] std::optional<std::string> read_until(std::string_view mark) {
    std::size_t searched = 0;
    for (;;) {
      const std::size_t at = buffer_.find(mark, searched);
      if (at != std::string::npos) {
        std::string out = buffer_.substr(0, at + mark.size());
        buffer_.erase(0, at + mark.size());
        return out;
      }
      searched = buffer_.size() < mark.size() ? 0 : buffer_.size() - mark.size();
      if (!fill()) return std::nullopt;
    }
  }

  /// Everything until the other side ends the connection.
  [[nodiscard]] std::string read_to_end() {
    while (fill()) {
    }
    return std::exchange(buffer_, {});
  }

  /// Waits for bytes and takes what is there; false at the end, after a reset or when patience ran
  /// out.
  bool fill() {
    pollfd waiting{socket_, POLLIN, 0};
    const int limit_ms = static_cast<int>(std::chrono::milliseconds(patience).count());
    if (ended_ || ::poll(&waiting, 1, limit_ms) <= 0) return false;
    char bytes[65'536];
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got > 0) {
      buffer_.append(bytes, static_cast<std::size_t>(got));
      return true;
    }
    ended_ = true;
    reset_ = got < 0;
    return false;
  }

 private:
  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  bool reset_ = false;
  std::string buffer_;
};

}  // namespace lodestar::web::testing
