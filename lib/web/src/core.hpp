// One thread of the server with what belongs to it: its io_context, its connections, its buffers,
// its sweep timer.
//
// Thread-safety: post(), expect_connection() and connections() may be called from any thread;
// everything else belongs to the core's thread.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/web/server.hpp>

#include "asio.hpp"
#include "date_cache.hpp"
#include "server_limits.hpp"
#include "web_metrics.hpp"

namespace lodestar::web {

class connection;

using io_executor = boost::asio::io_context::executor_type;
using tcp_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, io_executor>;

/// What all cores of a server share.
struct server_shared {
  server_shared(const server_options& options, const server_limits& bounds, handler on_request,
                metrics_registry& registry)
      : settings(options), limits(bounds), handle(std::move(on_request)), metrics(registry) {}

  void connection_opened() noexcept;
  void connection_closed() noexcept;
  /// Waits until no connection is open, or `deadline`.
  void wait_until_idle(std::chrono::steady_clock::time_point deadline);

  const server_options settings;
  const server_limits limits;
  handler handle;
  web_metrics metrics;
  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> connections{0};

 private:
  std::mutex mutex_;
  std::condition_variable idle_;
};

class core : public std::enable_shared_from_this<core> {
 public:
  /// Bytes received go here first; a connection keeps only what it could not use yet.
  static constexpr std::size_t scratch_bytes = 64u << 10;

  explicit core(std::shared_ptr<server_shared> shared);
  ~core();
  core(const core&) = delete;
  core& operator=(const core&) = delete;

  void start(std::size_t index);
  /// Ends the thread, closes what is still open and drops every later task.
  void join();

  /// Runs the task on the core's thread; drops it when the core has stopped.
  void post(std::move_only_function<void()> work);
  [[nodiscard]] bool is_this_thread() const noexcept;
  [[nodiscard]] std::size_t connections() const noexcept {
    return open_.load(std::memory_order_relaxed);
  }

  /// Any thread: counts a connection that is about to be adopted, so that a burst of them is spread
  /// evenly.
  void expect_connection() noexcept { open_.fetch_add(1, std::memory_order_relaxed); }
  void adopt(tcp_socket socket, bool refuse);
  void begin_stop();
  void close_all();
  void remove(connection& gone);

  [[nodiscard]] io_executor executor() noexcept { return context_.get_executor(); }
  [[nodiscard]] server_shared& shared() noexcept { return *shared_; }
  [[nodiscard]] char* scratch() noexcept { return scratch_.data(); }
  [[nodiscard]] std::string& scratch_text() noexcept { return scratch_text_; }
  [[nodiscard]] date_cache& date() noexcept { return date_; }
  [[nodiscard]] static std::int64_t now_us() noexcept;
  [[nodiscard]] static std::int64_t now_ms() noexcept { return now_us() / 1000; }
  /// A number from min to max, for jitter.
  [[nodiscard]] std::int64_t jitter(std::int64_t min, std::int64_t max) noexcept;

 private:
  void run();
  void schedule_sweep();
  void sweep();

  std::shared_ptr<server_shared> shared_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<io_executor> work_;
  boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, io_executor>
      sweep_timer_;
  std::vector<std::shared_ptr<connection>> open_connections_;
  std::atomic<std::size_t> open_{0};
  std::array<char, scratch_bytes> scratch_;
  std::string scratch_text_;
  date_cache date_;
  std::uint64_t jitter_state_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace lodestar::web
