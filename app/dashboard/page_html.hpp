// The HTML of a whole page and of its errors. The contract with scripts and styles is
// web-assets/CONTRACT.md.
#pragma once

#include <string>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/web/assets.hpp>
#include <lodestar/web/http.hpp>

#include "config/project.hpp"
#include "dashboard/tile_html.hpp"

namespace lodestar::app {

/// A choice of a select control.
struct control_option {
  std::string value;
  std::string label;
};

/// What a select offers, and why it cannot offer more.
struct select_view {
  std::vector<control_option> options;
  std::string message;
};

struct page_view {
  const project& configuration;
  const dashboard_definition& dashboard;
  const page_parameters& parameters;
  const std::vector<select_view>& selects;  ///< Per control; empty for a text control.
  const std::vector<web::html>& tiles;      ///< Rendered, in order.
  as_of when;
  std::string feed_url;
};

[[nodiscard]] web::response render_page(const page_view& view, const web::asset_store& assets);

/// The error for people who asked with a browser; others get a problem document.
[[nodiscard]] web::response render_error(const web::request& request, const error& what,
                                         const project& configuration,
                                         const web::asset_store& assets);

/// "/d/airport?airport=ATL", or with "/feed" after the name.
[[nodiscard]] std::string dashboard_url(std::string_view dashboard, std::string_view suffix,
                                        const page_parameters& parameters);

}  // namespace lodestar::app
