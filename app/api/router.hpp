// Says which part answers which path.
#pragma once

#include <lodestar/analytics/service.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/log/event_log.hpp>
#include <lodestar/web/assets.hpp>
#include <lodestar/web/server.hpp>

#include "api/events_api.hpp"
#include "api/queries_api.hpp"
#include "config/project.hpp"
#include "dashboard/live_pages.hpp"
#include "result_tiers.hpp"

namespace lodestar::app {

class router {
 public:
  struct parts {
    log::event_log& log;
    analytics::service& service;
    result_tiers& tiers;
    live_pages& pages;
    const web::asset_store& assets;
    const project& configuration;
    executor& background;
    clock& time;
    metrics_registry& metrics;
  };
  explicit router(const parts& all);

  /// Thread-safe. Every request is answered exactly once.
  void handle(web::request request, web::exchange exchange);

 private:
  void get(web::request request, web::exchange exchange);
  void get_dashboard(std::string_view rest, web::request request, web::exchange exchange);
  [[nodiscard]] web::response readiness() const;
  [[nodiscard]] web::response home() const;

  parts parts_;
  events_api events_;
  queries_api queries_;
};

}  // namespace lodestar::app
