// The dashboards' pages: each distinct (dashboard, parameters) that somebody looks at is one live
// page: one watch of its queries and one feed to all its viewers. A page is made by its first
// request and closed some seconds after its last viewer has gone.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <lodestar/analytics/service.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/web/assets.hpp>
#include <lodestar/web/server.hpp>

#include "config/project.hpp"
#include "dashboard/page_html.hpp"

namespace lodestar::app {

class live_page;

/// Thread-safe. Everything it is given must outlive it.
class live_pages {
 public:
  live_pages(const project& configuration, analytics::service& service,
             const web::asset_store& assets, clock& time, metrics_registry& metrics);
  ~live_pages();

  /// Answers the whole page, true at one position.
  void show(std::string_view dashboard, const web::request& request, web::exchange exchange);
  /// Answers the page's event stream.
  void feed(std::string_view dashboard, const web::request& request, web::exchange exchange);

  /// Ends all watches and feeds; nothing is rendered afterwards.
  void stop();

 private:
  [[nodiscard]] result<std::shared_ptr<live_page>> open(std::string_view dashboard,
                                                        const web::request& request);
  void housekeep();

  const project& configuration_;
  analytics::service& service_;
  const web::asset_store& assets_;
  clock& time_;
  gauge& pages_open_;
  counter& frames_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<live_page>, std::less<>> pages_;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::thread housekeeper_;
};

}  // namespace lodestar::app
