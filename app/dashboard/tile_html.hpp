// The HTML of a tile. The contract with the page's scripts and styles is web-assets/CONTRACT.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <lodestar/analytics/service.hpp>
#include <lodestar/web/html.hpp>

#include "config/project.hpp"

namespace lodestar::app {

/// Values of a page's parameters by name.
using page_parameters = std::map<std::string, std::string, std::less<>>;

/// When and where a page's content is true.
struct as_of {
  std::int64_t position = 0;
  std::int64_t wall_us = 0;
};

enum class tile_state : std::uint8_t { live, refreshing, stale, error };

/// What the server knows about a tile beside its content.
struct tile_view {
  const tile_definition& definition;
  const analytics::watch_state::tile& content;
  const page_parameters& page;
  tile_state state = tile_state::live;
  std::string message;  ///< Why it is stale or has no value.
};

/// <section class="tile" id="tile-ID">…</section>, one line.
[[nodiscard]] web::html render_tile(const tile_view& view, const as_of& when);

/// <span class="as-of" id="as-of-ID">…</span>: what an unchanged tile needs to be shown at another
/// position.
[[nodiscard]] web::html render_as_of(const tile_definition& tile, const as_of& when);

/// <p id="page-status">…</p>
[[nodiscard]] web::html render_page_status(const as_of& when);

/// Appends <lodestar-time datetime="…">14:03:22 UTC</lodestar-time> <span
/// class="position">#42</span>.
void append_as_of(web::html& out, const as_of& when);

}  // namespace lodestar::app
