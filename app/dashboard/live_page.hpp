// One page that somebody looks at: a watch of its queries, rendered once per state, and a feed for
// all viewers.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/analytics/service.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/web/assets.hpp>
#include <lodestar/web/feed.hpp>
#include <lodestar/web/server.hpp>

#include "dashboard/page_html.hpp"

namespace lodestar::app {

/// Thread-safe. Ends when close() was called and the last pointer is gone.
class live_page : public std::enable_shared_from_this<live_page> {
 public:
  struct surroundings {
    const project& configuration;
    analytics::service& service;
    const web::asset_store& assets;
    clock& time;
    counter& states;
  };

  /// Errors: what binding the tiles' queries to the parameters finds wrong.
  [[nodiscard]] static result<std::shared_ptr<live_page>> open(
      const surroundings& around, const dashboard_definition& dashboard,
      page_parameters parameters);
  live_page(const surroundings& around, const dashboard_definition& dashboard,
            page_parameters parameters);

  /// Answers with the whole page as soon as there is a first state.
  void show(web::exchange exchange);
  [[nodiscard]] const std::shared_ptr<web::feed>& feed() const noexcept { return feed_; }

  /// Somebody asked for the page just now.
  void touch() noexcept;
  /// Nobody watches it, and nobody asked for it lately.
  [[nodiscard]] bool is_abandoned() const noexcept;
  /// Shows tiles as refreshing whose next value takes unusually long, and as stale when the event
  /// tables stand still.
  void mark_overdue();
  void close();

 private:
  struct tile_memory {
    std::optional<std::size_t> watched;          // index into queries_; none: its query cannot run
    analytics::watch_state::tile without_query;  // what it shows then
    tile_state state = tile_state::live;
    std::string message;
    shared_bytes html;            // the section, as it was last rendered
    steady_time overdue_since{};  // zero: not overdue
    as_of when;                   // of what it shows: a tile that cannot be refreshed stays behind
  };

  struct select_memory {
    std::optional<std::size_t> watched;  // index into queries_; none: its query cannot run
    std::string message;                 // why it cannot
  };

  [[nodiscard]] result<void> start();
  void watch_select(const control_definition& control);
  [[nodiscard]] result<analytics::bound_query> bind(const tile_definition& tile) const;
  void take(std::shared_ptr<const analytics::watch_state> state);
  void publish();  // with mutex_ held
  [[nodiscard]] static const analytics::watch_state::tile& content_of(
      const tile_memory& tile, const analytics::watch_state& state);
  [[nodiscard]] web::html render(std::size_t tile) const;
  [[nodiscard]] web::response render_whole() const;
  [[nodiscard]] select_view select_of(const select_memory& memory) const;
  [[nodiscard]] as_of when() const;

  surroundings around_;
  const dashboard_definition& dashboard_;
  page_parameters parameters_;
  std::vector<analytics::bound_query>
      queries_;  // what is watched: the tiles', then those of the select controls
  std::vector<select_memory> selects_;  // per control; empty for a text control
  std::shared_ptr<web::feed> feed_;

  mutable std::mutex mutex_;
  std::shared_ptr<const analytics::watch_state> state_;
  std::vector<tile_memory> tiles_;
  std::vector<web::exchange> waiting_;
  steady_time asked_at_;
  std::unique_ptr<analytics::watch> watch_;
};

}  // namespace lodestar::app
