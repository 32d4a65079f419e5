#include <lodestar/web/server.hpp>

#include <algorithm>

#include <lodestar/base/assert.hpp>

#include "core.hpp"
#include "listener.hpp"
#include "server_start.hpp"

namespace lodestar::web {
namespace {

class tcp_server final : public server {
 public:
  tcp_server(const server_options& settings, const server_limits& limits, handler on_request,
             metrics_registry& metrics);
  ~tcp_server() override { tcp_server::stop(0); }

  [[nodiscard]] result<void> open();
  [[nodiscard]] std::uint16_t port() const noexcept override { return listener_->port(); }
  void stop(std::int64_t grace_ms) override;

 private:
  std::shared_ptr<server_shared> shared_;
  std::vector<std::shared_ptr<core>> cores_;
  std::shared_ptr<listener> listener_;
  std::mutex mutex_;
  bool stopped_ = false;
};

std::vector<std::shared_ptr<core>> make_cores(const std::shared_ptr<server_shared>& shared) {
  const std::size_t asked = shared->settings.threads;
  const std::size_t count = asked != 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::shared_ptr<core>> cores;
  for (std::size_t i = 0; i < count; ++i) cores.push_back(std::make_shared<core>(shared));
  return cores;
}

tcp_server::tcp_server(const server_options& settings, const server_limits& limits,
                       handler on_request, metrics_registry& metrics)
    : shared_(std::make_shared<server_shared>(settings, limits, std::move(on_request), metrics)),
      cores_(make_cores(shared_)),
      listener_(std::make_shared<listener>(cores_)) {}

result<void> tcp_server::open() {
  auto opened = listener_->open(shared_->settings.address, shared_->settings.port);
  if (!opened) return opened;
  for (std::size_t i = 0; i < cores_.size(); ++i) cores_[i]->start(i);
  cores_[0]->post([accepting = listener_] { accepting->accept_next(); });
  return {};
}

void tcp_server::stop(std::int64_t grace_ms) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(stopped_, true)) return;
  const auto deadline = std::chrono::steady_clock::now() + milliseconds(grace_ms);
  shared_->stopping = true;
  cores_[0]->post([accepting = listener_] { accepting->close(); });
  for (const auto& each : cores_) each->post([each] { each->begin_stop(); });
  if (grace_ms > 0) shared_->wait_until_idle(deadline);
  for (const auto& each : cores_) each->join();
  // A late exchange keeps its core alive, but not what the handler holds.
  shared_->handle = nullptr;
}

}  // namespace

result<std::unique_ptr<server>> start_server(const server_options& settings,
                                             const server_limits& limits, handler on_request,
                                             metrics_registry& metrics) {
  LODESTAR_ASSERT(on_request, "a server has a handler");
  auto made = std::make_unique<tcp_server>(settings, limits, std::move(on_request), metrics);
  if (auto opened = made->open(); !opened) return std::unexpected(std::move(opened.error()));
  return made;
}

result<std::unique_ptr<server>> server::start(const server_options& settings, handler on_request,
                                              metrics_registry& metrics) {
  return start_server(settings, server_limits{}, std::move(on_request), metrics);
}

}  // namespace lodestar::web
