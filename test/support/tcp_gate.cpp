#include "tcp_gate.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <future>
#include <utility>

namespace lodestar::test {
namespace {

constexpr std::size_t held_bytes_max = 1U << 20;

[[nodiscard]] steady_time now() {
  return std::chrono::steady_clock::now();
}

void set_options(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void close_with_reset(descriptor& socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  socket.reset();
}

// Connects while it blocks: on this machine that ends at once.
[[nodiscard]] descriptor connect_to(std::uint16_t port) {
  descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in where = local_address(port);
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where)) != 0)
    return {};
  set_options(made.get());
  return made;
}

// Takes a line off the front: "*3", "$5". Nothing when it is not whole.
[[nodiscard]] std::optional<std::size_t> take_count(std::string_view& text) {
  const auto end = text.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  std::size_t count = 0;
  std::from_chars(text.data() + 1, text.data() + end, count);
  text.remove_prefix(end + 2);
  return count;
}

// Takes a command off the front; empty when it is not whole.
[[nodiscard]] std::vector<std::string> take_command(std::string& unread) {
  std::string_view text = unread;
  std::vector<std::string> words;
  const auto count = take_count(text);
  for (std::size_t index = 0; count && index < *count; ++index) {
    const auto size = take_count(text);
    if (!size || text.size() < *size + 2) return {};
    words.emplace_back(text.substr(0, *size));
    text.remove_prefix(*size + 2);
  }
  unread.erase(0, unread.size() - text.size());
  return words;
}

// What can be read at present; nothing at the end.
[[nodiscard]] std::optional<std::string> read_some(const descriptor& from) {
  std::string bytes(64U << 10, '\0');
  const auto got = ::recv(from.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return "";
  if (got <= 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

// How much of it could be written at present.
[[nodiscard]] std::size_t write_some(const descriptor& to, std::string_view bytes) {
  const auto sent = ::send(to.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

}  // namespace

tcp_gate::tcp_gate(std::uint16_t server_port, std::uint64_t seed)
    : server_port_(server_port), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), random_(seed) {
  listen();
  thread_ = std::thread([this] { run(); });
}

tcp_gate::~tcp_gate() {
  tell([this] { ends_ = true; });
  thread_.join();
}

void tcp_gate::behave(gate_behaviour how) {
  tell([this, &how] {
    const bool ends = how.refuses || how.answer || how_.answer;
    how_ = std::move(how);
    for (session& each : sessions_) {
      each.replied_bytes = 0;
      each.ended = each.ended || ends;
      each.swallows = each.swallows || how_.swallows;
    }
    if (how_.refuses) {
      listener_.reset();
    } else if (!listener_.is_open()) {
      listen();
    }
  });
}

void tcp_gate::reset_connections() {
  tell([this] {
    for (session& each : sessions_) {
      close_with_reset(each.client);
      each.ended = true;
    }
  });
}

// Has been done by the thread when it returns.
void tcp_gate::tell(std::function<void()> what) {
  std::promise<void> done;
  {
    const std::lock_guard lock(mutex_);
    told_.emplace_back([&] {
      what();
      done.set_value();
    });
  }
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof(one)));
  done.get_future().wait();
}

// --- the thread

void tcp_gate::run() {
  while (!ends_) {
    std::erase_if(sessions_, [](const session& each) { return each.ended; });
    std::vector<pollfd> watched{{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                                {.fd = listener_.get(), .events = POLLIN, .revents = 0}};
    for (const session& each : sessions_) {
      const bool has_room = each.to_client.size() < 10'000;
      const bool is_due = !each.to_client.empty() && each.to_client.front().due <= now();
      const auto reads = static_cast<short>(each.to_server.size() < held_bytes_max ? POLLIN : 0);
      watched.push_back({.fd = each.client.get(),
                         .events = static_cast<short>(reads | (is_due ? POLLOUT : 0)),
                         .revents = 0});
      const bool writes = each.server.is_open() && !each.to_server.empty();
      watched.push_back(
          {.fd = each.server_ended ? -1 : each.server.get(),
           .events = static_cast<short>((has_room ? POLLIN : 0) | (writes ? POLLOUT : 0)),
           .revents = 0});
    }
    ::poll(watched.data(), watched.size(), wait_ms());
    std::size_t at = 2;
    for (session& each : sessions_) {
      serve(each, watched[at].revents, watched[at + 1].revents);
      at += 2;
    }
    if (watched[1].revents != 0) accept();
    std::uint64_t ignored = 0;
    static_cast<void>(!::read(wake_.get(), &ignored, sizeof(ignored)));
    std::vector<std::function<void()>> told;
    {
      const std::lock_guard lock(mutex_);
      told.swap(told_);
    }
    for (const auto& each : told) each();
  }
}

// Until the next piece that waits is due.
int tcp_gate::wait_ms() const {
  milliseconds wait{1'000};
  const steady_time at = now();
  for (const session& each : sessions_) {
    if (each.to_client.empty() || each.to_client.front().due <= at) continue;
    wait = std::min(wait, std::chrono::ceil<milliseconds>(each.to_client.front().due - at));
  }
  return static_cast<int>(wait.count());
}

void tcp_gate::listen() {
  listener_ = descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in where = local_address(port_);
  socklen_t size = sizeof(where);
  auto* const any = reinterpret_cast<sockaddr*>(&where);
  const bool listens = ::bind(listener_.get(), any, size) == 0 &&
                       ::listen(listener_.get(), 64) == 0 &&
                       ::getsockname(listener_.get(), any, &size) == 0;
  LODESTAR_ASSERT(listens, "the gate can listen");
  port_ = ntohs(where.sin_port);
}

void tcp_gate::accept() {
  const int taken = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (taken < 0) return;
  descriptor client(taken);
  set_options(client.get());
  ++accepted_;
  descriptor server;
  if (!how_.answer && !how_.swallows) {
    server = connect_to(server_port_);
    if (!server.is_open()) return;
  }
  sessions_.push_back(
      {.client = std::move(client), .server = std::move(server), .swallows = how_.swallows});
}

void tcp_gate::serve(session& each, short client_events, short server_events) {
  if (each.ended) return;
  if ((client_events & (POLLIN | POLLHUP | POLLERR)) != 0) read_client(each);
  if ((server_events & (POLLIN | POLLHUP | POLLERR)) != 0) read_server(each);
  if (each.server.is_open()) write_server(each);
  write_client(each);
  if (each.server_ended && each.to_client.empty()) each.ended = true;
}

void tcp_gate::read_client(session& each) {
  auto bytes = read_some(each.client);
  if (!bytes) {
    each.ended = true;
    return;
  }
  if (each.swallows) return;
  each.to_server += *bytes;
  if (how_.answer) answer_commands(each);
}

void tcp_gate::read_server(session& each) {
  auto bytes = read_some(each.server);
  if (!bytes) {
    each.server_ended = true;
    return;
  }
  if (!each.swallows) give_back(each, *std::move(bytes));
}

void tcp_gate::answer_commands(session& each) {
  while (true) {
    const auto words = take_command(each.to_server);
    if (words.empty()) return;
    give_back(each, how_.answer(words));
  }
}

void tcp_gate::give_back(session& each, std::string bytes) {
  if (bytes.empty()) return;
  if (how_.corrupts) bytes[0] = static_cast<char>(bytes[0] ^ 0x15);
  const auto spread = (how_.delay_max - how_.delay_min).count();
  const auto drawn = static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(spread + 1));
  steady_time due = now() + how_.delay_min + milliseconds(drawn);
  if (!each.to_client.empty()) due = std::max(due, each.to_client.back().due);
  const std::size_t slice = how_.slice_bytes == 0 ? bytes.size() : how_.slice_bytes;
  for (std::size_t at = 0; at < bytes.size(); at += slice)
    each.to_client.push_back({due, bytes.substr(at, slice)});
}

void tcp_gate::write_server(session& each) {
  each.to_server.erase(0, write_some(each.server, each.to_server));
}

// One piece at a time, so that the client may read one at a time.
void tcp_gate::write_client(session& each) {
  if (each.to_client.empty() || each.to_client.front().due > now()) return;
  std::string& bytes = each.to_client.front().bytes;
  std::size_t wanted = bytes.size();
  if (how_.reply_bytes_max) wanted = std::min(wanted, *how_.reply_bytes_max - each.replied_bytes);
  const std::size_t sent = write_some(each.client, std::string_view(bytes).substr(0, wanted));
  each.replied_bytes += sent;
  bytes.erase(0, sent);
  if (bytes.empty()) each.to_client.pop_front();
  if (how_.reply_bytes_max && each.replied_bytes >= *how_.reply_bytes_max) each.ended = true;
}

}  // namespace lodestar::test
