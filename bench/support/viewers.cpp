#include "support/viewers.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "support/http.hpp"
#include "support/report.hpp"

namespace lodestar::bench {
namespace {

constexpr std::size_t head_bytes_max = 1'024;  // The id stands at the beginning of an event.

/// The position of a frame; -1 of what is none, a heartbeat for example.
std::int64_t position_of(std::string_view event) {
  constexpr std::string_view key = "\nid: ";
  const auto at = event.substr(0, head_bytes_max).find(key);
  std::int64_t position = -1;
  if (at != std::string_view::npos)
    std::from_chars(event.data() + at + key.size(), event.data() + event.size(), position);
  return position;
}

}  // namespace

viewers::viewers(std::uint16_t port, std::string_view target, std::size_t count)
    : all_(count), poll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(1 << 18, '\0') {
  const std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n", target);
  for (auto& each : all_) {
    each.socket = connect_to(port);
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.ptr = &each;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, each.socket, &interest);
    if (::send(each.socket, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      throw std::runtime_error("a viewer cannot send its request");
    }
  }
  thread_ = std::thread([this] { run(); });
}

viewers::~viewers() {
  stop();
  for (const auto& each : all_) ::close(each.socket);
  ::close(poll_);
}

void viewers::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void viewers::wait_for(std::int64_t position, std::chrono::seconds at_most) const {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  const auto behind = [position](const stream& each) { return each.newest.load() < position; };
  while (std::ranges::any_of(all_, behind)) {
    if (broken_) throw std::runtime_error("the server ended an event stream");
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(fmt::format("{} of {} viewers do not see position {}",
                                           std::ranges::count_if(all_, behind), all_.size(),
                                           position));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::int64_t viewers::arrived_at_ns(std::size_t viewer, std::int64_t position,
                                    std::size_t& hint) const {
  const auto& seen = all_[viewer].arrivals;
  while (hint < seen.size() && seen[hint].position < position) ++hint;
  return hint < seen.size() ? seen[hint].at_ns : 0;
}

void viewers::run() {
  epoll_event ready[256];
  while (!stopping_) {
    const int count = ::epoll_wait(poll_, ready, 256, 10);
    for (int index = 0; index < count; ++index) take(*static_cast<stream*>(ready[index].data.ptr));
  }
}

void viewers::take(stream& from) {
  const ssize_t got = ::recv(from.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    broken_ = true;
    ::epoll_ctl(poll_, EPOLL_CTL_DEL, from.socket, nullptr);
    return;
  }
  const std::int64_t now = now_ns();
  bytes_.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
  std::string_view rest(buffer_.data(), static_cast<std::size_t>(got));
  // The blank line may begin with the last byte that was here before.
  const std::size_t searched = from.unread.empty() ? 0 : from.unread.size() - 1;
  if (!from.unread.empty()) rest = from.unread.append(rest);
  for (std::size_t begin = 0, search = searched;;) {
    const auto end = rest.find("\n\n", search);
    if (end == std::string_view::npos) {
      from.unread = std::string(rest.substr(begin));
      return;
    }
    if (const auto position = position_of(rest.substr(begin, end - begin)); position >= 0) {
      from.arrivals.push_back({position, now});
      from.newest.store(position);
    }
    begin = search = end + 2;
  }
}

}  // namespace lodestar::bench
