#include "dashboard/live_pages.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <lodestar/base/executor.hpp>

#include "api/parameters.hpp"
#include "config/reserved_names.hpp"
#include "dashboard/live_page.hpp"

namespace lodestar::app {
namespace {

constexpr std::size_t live_pages_max = 1'000;
constexpr milliseconds housekeeping_interval{250};

/// The page's parameters: what was asked for, else the defaults.
result<page_parameters> parameters_of(const dashboard_definition& dashboard,
                                      const web::request& request) {
  if (auto once = refuse_repeated(request); !once) return std::unexpected(std::move(once.error()));
  page_parameters values;
  for (const auto& control : dashboard.controls) {
    if (control.default_value) values.emplace(control.name, *control.default_value);
  }
  for (const auto& [name, value] : request.query) {
    if (name == reserved::signals) continue;  // a page of ours has none
    const bool known =
        std::any_of(dashboard.controls.begin(), dashboard.controls.end(),
                    [&name = name](const auto& control) { return control.name == name; });
    if (!known) {
      std::vector<std::string_view> names;
      for (const auto& control : dashboard.controls) names.push_back(control.name);
      return fail(error_code::invalid_argument,
                  fmt::format("the dashboard {} has no parameter {}", dashboard.name, name),
                  "parameter " + name, suggest(name, names));
    }
    values.insert_or_assign(name, value);
  }
  for (const auto& control : dashboard.controls) {
    if (!values.contains(control.name)) {
      return fail(
          error_code::invalid_argument,
          fmt::format("the dashboard {} needs the parameter {}", dashboard.name, control.name),
          "parameter " + control.name, fmt::format("add ?{}=…", control.name));
    }
  }
  return values;
}

}  // namespace

live_pages::live_pages(const project& configuration, analytics::service& service,
                       const web::asset_store& assets, clock& time, metrics_registry& metrics)
    : configuration_(configuration),
      service_(service),
      assets_(assets),
      time_(time),
      pages_open_(metrics.make_gauge("lodestar_pages_open", "Distinct pages that are kept live")),
      frames_(metrics.make_counter("lodestar_page_states_total",
                                   "States published to the viewers of a page")),
      housekeeper_([this] {
        set_thread_name("housekeeper");
        housekeep();
      }) {}

live_pages::~live_pages() {
  stop();
}

void live_pages::show(std::string_view dashboard, const web::request& request,
                      web::exchange exchange) {
  auto page = open(dashboard, request);
  if (!page) return exchange.send(render_error(request, page.error(), configuration_, assets_));
  (*page)->show(std::move(exchange));
}

void live_pages::feed(std::string_view dashboard, const web::request& request,
                      web::exchange exchange) {
  auto page = open(dashboard, request);
  if (!page) return exchange.send(web::problem(page.error()));
  exchange.stream((*page)->feed());
}

result<std::shared_ptr<live_page>> live_pages::open(std::string_view name,
                                                    const web::request& request) {
  const auto* dashboard = configuration_.find_dashboard(name);
  if (dashboard == nullptr) {
    std::vector<std::string_view> names;
    for (const auto& known : configuration_.dashboards) names.push_back(known.name);
    return fail(error_code::not_found, fmt::format("there is no dashboard named {}", name),
                request.path, suggest(name, names));
  }
  auto parameters = parameters_of(*dashboard, request);
  if (!parameters) return std::unexpected(std::move(parameters.error()));
  const std::string key = dashboard_url(dashboard->name, "", *parameters);
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(error_code::cancelled, "the server is stopping");
  if (const auto found = pages_.find(key); found != pages_.end()) {
    found->second->touch();
    return found->second;
  }
  if (pages_.size() >= live_pages_max) {
    return fail(error_code::unavailable,
                fmt::format("more than {} different pages are open", live_pages_max), "",
                "try again in some seconds");
  }
  auto made = live_page::open({configuration_, service_, assets_, time_, frames_}, *dashboard,
                              std::move(*parameters));
  if (!made) return std::unexpected(std::move(made.error()));
  pages_.emplace(key, *made);
  pages_open_.set(static_cast<std::int64_t>(pages_.size()));
  return *made;
}

void live_pages::housekeep() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, housekeeping_interval, [this] { return stopping_; })) {
    std::vector<std::shared_ptr<live_page>> kept, closed;
    for (auto entry = pages_.begin(); entry != pages_.end();) {
      if (entry->second->is_abandoned()) {
        closed.push_back(std::move(entry->second));
        entry = pages_.erase(entry);
      } else {
        kept.push_back((entry++)->second);
      }
    }
    pages_open_.set(static_cast<std::int64_t>(pages_.size()));
    lock.unlock();
    for (const auto& page : closed) page->close();
    for (const auto& page : kept) page->mark_overdue();
    lock.lock();
  }
}

void live_pages::stop() {
  std::map<std::string, std::shared_ptr<live_page>, std::less<>> closing;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    closing.swap(pages_);
  }
  wake_.notify_all();
  if (housekeeper_.joinable()) housekeeper_.join();
  for (const auto& [key, page] : closing) page->close();
}

}  // namespace lodestar::app
