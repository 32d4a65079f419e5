#include "application.hpp"

#include <utility>

#include <fmt/format.h>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/logging.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/sqlite_log/sqlite_log.hpp>
#include <lodestar/web/assets.hpp>
#include <lodestar/web/server.hpp>
#include <lodestar_assets.hpp>

#include "api/router.hpp"
#include "config/column_check.hpp"
#include "dashboard/live_pages.hpp"
#include "result_tiers.hpp"

namespace lodestar::app {
namespace {

constexpr std::size_t background_threads = 2;
constexpr std::size_t background_tasks_max = 1000;
constexpr std::int64_t stop_grace_ms = 3'000;  // then running queries are interrupted

analytics::options analytics_options(const project& configuration) {
  const auto& values = configuration.settings.values;
  analytics::options made;
  made.project_folder = configuration.folder;
  made.temp_folder = std::filesystem::path(values.data_folder) / "temp";
  made.threads = static_cast<std::size_t>(values.analytics_threads);
  made.memory_bytes_max = values.analytics_memory_mib_max << 20;
  made.cache_bytes_max = static_cast<std::size_t>(values.cache_mib_max) << 20;
  made.round_interval_ms = values.round_interval_ms;
  return made;
}

web::server_options server_options(const settings& values, const listen_address& address) {
  web::server_options made;
  made.address = address.address;
  made.port = address.port;
  made.threads = static_cast<std::size_t>(values.server_threads);
  made.connections_max = static_cast<std::size_t>(values.connections_max);
  made.body_bytes_max = static_cast<std::size_t>(values.body_mib_max) << 20;
  return made;
}

class running_application final : public application {
 public:
  running_application(const project& configuration, clock& time)
      : configuration_(configuration), time_(time) {}
  ~running_application() override { stop(); }

  result<void> start() {
    const auto& values = configuration_.settings.values;
    sqlite_log::options log_options;
    log_options.file = log_file(values);
    auto log = sqlite_log::open(log_options, time_, metrics_);
    if (!log) return std::unexpected(std::move(log.error()));
    log_ = std::move(*log);
    auto tiers = result_tiers::open(values, time_, metrics_);
    if (!tiers) return std::unexpected(std::move(tiers.error()));
    tiers_ = std::move(*tiers);
    analytics::options options = analytics_options(configuration_);
    options.below = tiers_->below();
    auto service =
        analytics::service::open(options, configuration_.events, configuration_.tables,
                                 configuration_.queries, *log_, time_, metrics_);
    if (!service) return std::unexpected(std::move(service.error()));
    service_ = std::move(*service);
    warn_of_broken_parts();
    pages_ = std::make_unique<live_pages>(configuration_, *service_, assets_, time_, metrics_);
    router_ = std::make_unique<router>(router::parts{*log_, *service_, *tiers_, *pages_, assets_,
                                                     configuration_, background_, time_, metrics_});
    return listen();
  }

  [[nodiscard]] std::uint16_t port() const noexcept override { return server_->port(); }
  [[nodiscard]] std::string url() const override {
    return fmt::format("http://{}:{}", shown_address_, port());
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    if (server_) server_->stop(stop_grace_ms);
    background_.stop();
    if (pages_) pages_->stop();
    if (service_) service_->stop();
    if (tiers_) tiers_->flush();
    server_.reset();
    router_.reset();
    pages_.reset();
    service_.reset();
    tiers_.reset();
    log_.reset();
  }

 private:
  /// These do not end the start: the tiles and requests that need them say the same, everything
  /// else works.
  void warn_of_broken_parts() const {
    for (const auto& wrong : service_->query_errors())
      log_warning("queries", wrong.message, {{"place", wrong.place}, {"hint", wrong.hint}});
    const auto wrong_columns = check_columns(configuration_, *service_);
    for (const auto& wrong : wrong_columns.all())
      log_warning("dashboards", wrong.message, {{"place", wrong.place}, {"hint", wrong.hint}});
  }

  result<void> listen() {
    const auto& values = configuration_.settings.values;
    auto address = parse_listen_address(values.listen);
    if (!address) return std::unexpected(std::move(address.error()));
    shown_address_ = address->address.find(':') == std::string::npos ? address->address
                                                                     : "[" + address->address + "]";
    auto server = web::server::start(
        server_options(values, *address),
        [this](web::request request, web::exchange exchange) {
          router_->handle(std::move(request), std::move(exchange));
        },
        metrics_);
    if (!server) return std::unexpected(std::move(server.error()));
    server_ = std::move(*server);
    return {};
  }

  const project& configuration_;
  clock& time_;
  metrics_registry metrics_;
  web::asset_store assets_{embedded_assets()};
  thread_pool background_{"background", background_threads, background_tasks_max};
  std::unique_ptr<log::event_log> log_;
  std::unique_ptr<result_tiers> tiers_;
  std::unique_ptr<analytics::service> service_;
  std::unique_ptr<live_pages> pages_;
  std::unique_ptr<router> router_;
  std::unique_ptr<web::server> server_;
  std::string shown_address_;
  bool stopped_ = false;
};

}  // namespace

result<std::unique_ptr<application>> application::start(const project& configuration, clock& time) {
  auto made = std::make_unique<running_application>(configuration, time);
  if (auto started = made->start(); !started) return std::unexpected(std::move(started.error()));
  return made;
}

std::filesystem::path log_file(const settings& values) {
  return std::filesystem::path(values.data_folder) / "events.db";
}

}  // namespace lodestar::app
