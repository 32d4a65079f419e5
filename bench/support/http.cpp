#include "support/http.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <stdexcept>

namespace lodestar::bench {
namespace {

constexpr timeval patience{60, 0};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int try_connect(std::uint16_t port) noexcept {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return socket;
  ::close(socket);
  return -1;
}

}  // namespace

int connect_to(std::uint16_t port) {
  const int socket = try_connect(port);
  if (socket < 0) throw std::runtime_error(fmt::format("nobody answers on port {}", port));
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return socket;
}

bool can_connect(std::uint16_t port) noexcept {
  const int socket = try_connect(port);
  if (socket >= 0) ::close(socket);
  return socket >= 0;
}

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t bytes = sizeof address;
  ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &bytes);
  ::close(socket);
  return ntohs(address.sin_port);
}

std::string http_answer::header(std::string_view name) const {
  const std::string line_begin = fmt::format("\r\n{}: ", name);
  const auto at = head.find(line_begin);
  if (at == std::string::npos) return {};
  const auto begin = at + line_begin.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

http_connection::~http_connection() {
  ::close(socket_);
}

http_answer http_connection::get(std::string_view target) {
  return exchange(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", target));
}

http_answer http_connection::post(std::string_view target, std::string_view content_type,
                                  std::string_view body) {
  return exchange(fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
      target, content_type, body.size(), body));
}

http_answer http_connection::exchange(std::string_view request) {
  send_all(request);
  std::size_t head_end = 0;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) receive();
  http_answer answer;
  answer.head = buffer_.substr(0, head_end + 2);
  answer.status = std::atoi(answer.head.c_str() + 9);
  const std::size_t begin = head_end + 4;
  const std::size_t end =
      begin + std::strtoull(answer.header("Content-Length").c_str(), nullptr, 10);
  while (buffer_.size() < end) receive();
  answer.body = buffer_.substr(begin, end - begin);
  buffer_.erase(0, end);
  return answer;
}

void http_connection::send_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0)
      throw std::runtime_error("the server closed the connection while it was sent to");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void http_connection::receive() {
  char bytes[65'536];
  const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
  if (got < 0 && errno == EINTR) return;
  if (got <= 0)
    throw std::runtime_error("the server closed the connection, or did not answer for a minute");
  buffer_.append(bytes, static_cast<std::size_t>(got));
}

const http_answer& expect_success(const http_answer& answer) {
  if (answer.status / 100 == 2) return answer;
  throw std::runtime_error(fmt::format("the server answered {}: {}", answer.status, answer.body));
}

std::int64_t last_number(std::string_view json, std::string_view name) {
  const std::string key = fmt::format("\"{}\":", name);
  const auto at = json.rfind(key);
  std::int64_t value = 0;
  const bool found =
      at != std::string_view::npos &&
      std::from_chars(json.data() + at + key.size(), json.data() + json.size(), value).ec ==
          std::errc();
  if (!found) throw std::runtime_error(fmt::format("no \"{}\" in {}", name, json.substr(0, 200)));
  return value;
}

}  // namespace lodestar::bench
