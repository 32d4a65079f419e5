#include "core.hpp"

#include <algorithm>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/random.hpp>

#include "connection.hpp"

namespace lodestar::web {
namespace {

// Tells a connection whether it runs on its own core: one read instead of a look-up through the
// executor.
thread_local const core* this_core = nullptr;

constexpr std::int64_t sweep_ms_min = 5;
constexpr std::int64_t sweep_ms_max = 500;

/// A deadline is kept to an eighth of the shortest one, and at least to half a second.
std::int64_t sweep_interval_ms(const server_options& settings, const server_limits& limits) {
  const std::int64_t shortest =
      std::min({settings.heartbeat_ms, settings.stream_stall_ms, limits.head_ms,
                limits.body_grace_ms, limits.idle_ms, limits.write_stall_ms, limits.drain_ms});
  return std::clamp(shortest / 8, sweep_ms_min, sweep_ms_max);
}

}  // namespace

void server_shared::connection_opened() noexcept {
  connections.fetch_add(1);
  metrics.connections.add(1);
}

void server_shared::connection_closed() noexcept {
  metrics.connections.add(-1);
  if (connections.fetch_sub(1) != 1) return;
  const std::lock_guard lock(mutex_);
  idle_.notify_all();
}

void server_shared::wait_until_idle(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  idle_.wait_until(lock, deadline, [this] { return connections.load() == 0; });
}

core::core(std::shared_ptr<server_shared> shared)
    : shared_(std::move(shared)),
      work_(context_.get_executor()),
      sweep_timer_(context_.get_executor()),
      jitter_state_(system_random().next() | 1) {}

core::~core() = default;

void core::start(std::size_t index) {
  schedule_sweep();
  thread_ = std::thread([this, index] {
    set_thread_name("web-" + std::to_string(index));
    run();
  });
}

void core::run() {
  this_core = this;
  context_.run();
  this_core = nullptr;
}

void core::join() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  // Tasks that were posted meanwhile hold connections, which hold this core: run them here, so that
  // they go.
  this_core = this;
  context_.restart();
  context_.poll();
  close_all();
  context_.restart();
  context_.poll();
  this_core = nullptr;
}

void core::post(std::move_only_function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  boost::asio::post(context_, std::move(work));
}

bool core::is_this_thread() const noexcept {
  return this_core == this;
}

void core::adopt(tcp_socket socket, bool refuse) {
  LODESTAR_ASSERT(is_this_thread(), "a connection begins on its core");
  auto guest =
      std::make_shared<connection>(shared_from_this(), std::move(socket), open_connections_.size());
  open_connections_.push_back(guest);
  guest->start(refuse);
}

void core::remove(connection& gone) {
  const std::size_t at = gone.index();
  LODESTAR_ASSERT(at < open_connections_.size() && open_connections_[at].get() == &gone,
                  "the connection is ours");
  if (at + 1 != open_connections_.size()) {
    open_connections_[at] = std::move(open_connections_.back());
    open_connections_[at]->set_index(at);
  }
  open_connections_.pop_back();
  open_.fetch_sub(1, std::memory_order_relaxed);
}

void core::begin_stop() {
  // From the end, as closing moves the last one into the gap.
  for (std::size_t i = open_connections_.size(); i-- > 0;) {
    const auto guest = open_connections_[i];
    guest->begin_stop();
  }
}

void core::close_all() {
  boost::system::error_code ignored;
  sweep_timer_.cancel(ignored);
  while (!open_connections_.empty()) {
    const auto guest = open_connections_.back();
    guest->abort();
  }
}

void core::schedule_sweep() {
  sweep_timer_.expires_after(milliseconds(sweep_interval_ms(shared_->settings, shared_->limits)));
  sweep_timer_.async_wait([this](const boost::system::error_code& code) {
    if (!code) sweep();
  });
}

void core::sweep() {
  const std::int64_t now = now_ms();
  for (std::size_t i = open_connections_.size(); i-- > 0;) {
    const auto guest = open_connections_[i];
    guest->check_deadlines(now);
  }
  schedule_sweep();
}

std::int64_t core::now_us() noexcept {
  return std::chrono::duration_cast<microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t core::jitter(std::int64_t min, std::int64_t max) noexcept {
  jitter_state_ ^= jitter_state_ << 13;
  jitter_state_ ^= jitter_state_ >> 7;
  jitter_state_ ^= jitter_state_ << 17;
  return min + static_cast<std::int64_t>(jitter_state_ % static_cast<std::uint64_t>(max - min + 1));
}

}  // namespace lodestar::web
