// Fan-out of a 2 KB state to 1, 100 and 1,000 viewers on one server thread: how long from publish()
// to the viewer at 50 states a second, and how many frames a second at most, against a bare loop of
// send() over as many sockets with the same bytes and the same reader in the same run.
//
// Not measured: TLS, remote networks, compression. One reader thread plays all viewers and shares
// the machine.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include <lodestar/web/feed.hpp>
#include <lodestar/web/server.hpp>

#include "testing/bench_report.hpp"
#include "testing/client.hpp"

namespace {

using namespace lodestar;
using namespace lodestar::web;
using testing::client;

constexpr std::size_t state_bytes = 2'048;
constexpr int states_per_second = 50;
constexpr std::chrono::seconds paced_time{4};
constexpr std::chrono::seconds full_speed_time{3};
constexpr std::string_view mark = "t=\"";

std::int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// The element that all viewers get; it carries the time it was made.
std::string element() {
  std::string out = fmt::format("<p id=\"x\" {}{}\">", mark, now_ns());
  out.append(state_bytes - out.size() - 4, 'x').append("</p>");
  return out;
}

/// Reads all viewers' sockets on a thread of its own and notes what arrives.
class reader {
 public:
  explicit reader(const std::vector<std::unique_ptr<client>>& viewers)
      : poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (const auto& viewer : viewers) {
      epoll_event interest{};
      interest.events = EPOLLIN;
      interest.data.fd = viewer->socket();
      ::epoll_ctl(poll_, EPOLL_CTL_ADD, viewer->socket(), &interest);
    }
    thread_ = std::thread([this] { run(); });
  }
  ~reader() {
    stop();
    ::close(poll_);
  }
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return bytes_.load(std::memory_order_relaxed);
  }
  /// After stop().
  [[nodiscard]] std::vector<double>& latencies_ms() noexcept { return latencies_ms_; }
  void measure_latency(bool on) noexcept { measuring_ = on; }

 private:
  void run() {
    epoll_event ready[256];
    while (!stopping_) {
      const int count = ::epoll_wait(poll_, ready, 256, 10);
      for (int i = 0; i < count; ++i) take(ready[i].data.fd);
    }
  }

  void take(int socket) {
    const ssize_t got = ::recv(socket, buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (got <= 0) return;
    bytes_.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
    if (measuring_) note_times({buffer_, static_cast<std::size_t>(got)});
  }

  void note_times(std::string_view text) {
    const std::int64_t now = now_ns();
    for (std::size_t at = text.find(mark); at != std::string_view::npos;
         at = text.find(mark, at + 1)) {
      std::int64_t made = 0;
      const char* const begin = text.data() + at + mark.size();
      if (std::from_chars(begin, text.data() + text.size(), made).ec != std::errc() ||
          made < now - 10'000'000'000)
        continue;
      latencies_ms_.push_back(static_cast<double>(now - made) / 1e6);
    }
  }

  int poll_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> measuring_{false};
  std::atomic<std::uint64_t> bytes_{0};
  std::vector<double> latencies_ms_;
  char buffer_[65'536];
  std::thread thread_;
};

/// The server with one feed and its viewers.
class audience {
 public:
  explicit audience(std::size_t viewers) : source_(feed::make()) {
    server_options options;
    options.port = 0;
    options.threads = 1;
    auto started = server::start(
        options, [this](const request&, exchange wire) { wire.stream(source_); }, metrics_);
    if (!started) throw std::runtime_error(started.error().describe());
    server_ = std::move(*started);
    for (std::size_t i = 0; i < viewers; ++i) {
      viewers_.push_back(std::make_unique<client>(server_->port()));
      viewers_.back()->write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    while (source_->viewers() != viewers) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  void publish() {
    feed_state state{++position_, {}};
    state.slots.emplace_back(element());
    source_->publish(std::move(state));
  }
  [[nodiscard]] std::uint64_t frames() { return frames_sent_.value(); }
  [[nodiscard]] const std::vector<std::unique_ptr<client>>& viewers() const { return viewers_; }

 private:
  metrics_registry metrics_;
  counter& frames_sent_ =
      metrics_.make_counter("lodestar_web_frames_sent_total", "Frames handed to viewers.");
  std::shared_ptr<feed> source_;
  std::unique_ptr<server> server_;
  std::vector<std::unique_ptr<client>> viewers_;
  std::int64_t position_ = 0;
};

void measure_latency(audience& crowd, reader& reading) {
  crowd.publish();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  reading.measure_latency(true);
  auto next = std::chrono::steady_clock::now();
  for (const auto end = next + paced_time; next < end;
       next += std::chrono::microseconds(1'000'000 / states_per_second)) {
    std::this_thread::sleep_until(next);
    crowd.publish();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  reading.measure_latency(false);
}

/// Frames a second when the next state is published while the one before is on its way, so that the
/// server never waits for the publisher.
double measure_rate(audience& crowd) {
  const auto viewers = crowd.viewers().size();
  const std::uint64_t before = crowd.frames();
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t due = before;
  while (std::chrono::steady_clock::now() - begin < full_speed_time) {
    crowd.publish();
    due += viewers;
    const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    while (crowd.frames() + viewers < due && std::chrono::steady_clock::now() < patience)
      std::this_thread::yield();
    // A viewer that skipped the state is not waited for.
    if (crowd.frames() + viewers < due) due = crowd.frames();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(crowd.frames() - before) / took.count();
}

/// Connected pairs over loopback: what the bare loop sends to.
struct bare_sockets {
  explicit bare_sockets(std::size_t count) {
    const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = testing::loopback(0);
    socklen_t bytes = sizeof address;
    ::bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listening, SOMAXCONN);
    ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &bytes);
    for (std::size_t i = 0; i < count; ++i) {
      viewers.push_back(std::make_unique<client>(ntohs(address.sin_port)));
      senders.push_back(::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      const int on = 1;
      ::setsockopt(senders.back(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ::close(listening);
  }
  ~bare_sockets() {
    for (const int sender : senders) ::close(sender);
  }
  bare_sockets(const bare_sockets&) = delete;
  bare_sockets& operator=(const bare_sockets&) = delete;

  std::vector<std::unique_ptr<client>> viewers;
  std::vector<int> senders;
};

double measure_bare_send(std::size_t viewers) {
  bare_sockets sockets(viewers);
  reader reading(sockets.viewers);
  const std::string frame =
      "event: datastar-patch-elements\nid: 1000\ndata: elements " + element() + "\n\n";
  std::uint64_t frames = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < full_speed_time) {
    for (const int sender : sockets.senders) {
      if (::send(sender, frame.data(), frame.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(frame.size()))
        ++frames;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(frames) / took.count();
}

void measure(std::size_t viewers, testing::bench_report& report) {
  const std::string what = fmt::format("{} viewers, 2 KB", viewers);
  audience crowd(viewers);
  reader reading(crowd.viewers());
  measure_latency(crowd, reading);
  const double rate = measure_rate(crowd);
  reading.stop();
  const double bare = measure_bare_send(viewers);
  auto& latencies = reading.latencies_ms();
  const std::string paced = fmt::format("{}, {} states/s", what, states_per_second);
  report.add({"lodestar", paced, "publish to viewer p50", "ms", testing::quantile(latencies, 0.5)});
  report.add(
      {"lodestar", paced, "publish to viewer p99", "ms", testing::quantile(latencies, 0.99)});
  report.add(
      {"lodestar", paced, "frames received", "frames", static_cast<double>(latencies.size())});
  report.add({"lodestar", what, "most frames", "frames/s", rate});
  report.add({"bare send() loop", what, "most frames", "frames/s", bare});
  report.add({"lodestar / bare send()", what, "ratio", "", rate / bare});
}

}  // namespace

int main(int argc, char** argv) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  testing::bench_report report("fanout");
  for (const std::size_t viewers : {std::size_t{1}, std::size_t{100}, std::size_t{1'000}})
    measure(viewers, report);
  return report.write(argc, argv) ? 0 : 1;
}
