#include "dashboard/page_html.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <lodestar/web/server.hpp>

#include "dashboard/format.hpp"

namespace lodestar::app {
namespace {

using web::html;

/// Datastar compiles the page's constant expressions with Function: hence 'unsafe-eval'. Charts set
/// inline styles.
constexpr const char* content_security_policy =
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const web::response_head& page_head(int status) {
  const auto make = [](int code) {
    return web::response_head(code, {{"Content-Type", "text/html; charset=utf-8"},
                                     {"Cache-Control", "no-store"},
                                     {"Content-Security-Policy", content_security_policy},
                                     {"Referrer-Policy", "same-origin"},
                                     {"Cross-Origin-Opener-Policy", "same-origin"}});
  };
  static const web::response_head ok = make(200);
  static thread_local web::response_head other;
  if (status == 200) return ok;
  other = make(status);
  return other;
}

void begin_page(html& out, const project& configuration, std::string_view title,
                const web::asset_store& assets) {
  out.raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
  out.raw(
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta "
      "name=\"color-scheme\" content=\"light dark\"><title>");
  out.text(title)
      .raw(" · ")
      .text(configuration.title)
      .raw("</title><link rel=\"icon\" href=\"")
      .text(assets.url("favicon.svg"));
  out.raw("\" type=\"image/svg+xml\"><link rel=\"stylesheet\" href=\"").text(assets.url("app.css"));
  out.raw("\"><script src=\"").text(assets.url("theme.js")).raw("\"></script>");
}

void append_navigation(html& out, const project& configuration, std::string_view current) {
  out.raw("<a class=\"brand\" href=\"/\">")
      .text(configuration.title)
      .raw("</a><nav aria-label=\"Dashboards\">");
  for (const auto& dashboard : configuration.dashboards) {
    out.raw("<a href=\"/d/").text(dashboard.name).raw("\"");
    if (dashboard.name == current) out.raw(" aria-current=\"page\"");
    out.raw(">").text(dashboard.title).raw("</a>");
  }
  out.raw("</nav>");
}

void append_select(html& out, const control_definition& control, const std::string& value,
                   const select_view& view) {
  out.raw("<select name=\"").text(control.name).raw("\">");
  const bool listed = std::any_of(view.options.begin(), view.options.end(),
                                  [&](const auto& option) { return option.value == value; });
  if (!listed) out.raw("<option selected>").text(value).raw("</option>");
  for (const auto& option : view.options) {
    out.raw("<option value=\"").text(option.value).raw("\"");
    if (option.value == value) out.raw(" selected");
    out.raw(">").text(option.label).raw("</option>");
  }
  out.raw("</select>");
  if (!view.message.empty())
    out.raw(" <span class=\"tile-message\">").text(view.message).raw("</span>");
}

void append_controls(html& out, const page_view& view) {
  if (view.dashboard.controls.empty()) return;
  out.raw("<form class=\"parameters\" method=\"get\" action=\"/d/")
      .text(view.dashboard.name)
      .raw("\">");
  for (std::size_t index = 0; index < view.dashboard.controls.size(); ++index) {
    const auto& control = view.dashboard.controls[index];
    const std::string& value = view.parameters.find(control.name)->second;
    out.raw("<label>").text(control.label).raw(" ");
    if (control.is_select) {
      append_select(out, control, value, view.selects[index]);
    } else {
      out.raw("<input name=\"").text(control.name).raw("\" value=\"").text(value).raw("\">");
    }
    out.raw("</label>");
  }
  out.raw("<button type=\"submit\">Show</button></form>");
}

void append_main(html& out, const page_view& view, const web::asset_store& assets) {
  const auto& tiles = view.dashboard.tiles;
  out.raw("<main id=\"tiles\" class=\"grid\" tabindex=\"-1\"");
  if (std::any_of(tiles.begin(), tiles.end(),
                  [](const auto& tile) { return tile.chart == chart_kind::map; })) {
    out.raw(" data-us-states=\"").text(assets.url("us-states.json")).raw("\"");
  }
  out.raw(" data-heartbeat=\"")
      .number(web::server_options().heartbeat_ms / 1000)
      .raw("\" data-init=\"@get('")
      .text(view.feed_url);
  out.raw(
      "', {retry: 'always', retryMaxCount: Infinity, retryInterval: 500, retryScaler: 1.5, "
      "retryMaxWait: 5000, openWhenHidden: false})\">");
  for (const auto& tile : view.tiles) out.append(tile);
  out.raw("</main>");
}

}  // namespace

web::response render_page(const page_view& view, const web::asset_store& assets) {
  html out;
  begin_page(out, view.configuration, view.dashboard.title, assets);
  out.raw("<script type=\"module\" src=\"").text(assets.url("datastar.js")).raw("\"></script>");
  out.raw("<script type=\"module\" src=\"")
      .text(assets.url("app.js"))
      .raw("\"></script></head><body>");
  out.raw("<a class=\"skip\" href=\"#tiles\">Skip to the tiles</a><header class=\"page-header\">");
  append_navigation(out, view.configuration, view.dashboard.name);
  out.raw(
      "<output id=\"connection\" role=\"status\" aria-live=\"polite\" "
      "data-state=\"connecting\">connecting…</output>");
  out.append(render_page_status(view.when));
  out.raw(
      "<button id=\"theme\" type=\"button\" hidden>Theme</button></header><div "
      "class=\"page-title\"><div><h1>");
  out.text(view.dashboard.title).raw("</h1><p>").text(view.dashboard.description).raw("</p></div>");
  append_controls(out, view);
  out.raw("</div>");
  append_main(out, view, assets);
  out.raw(
      "<footer>Every number is true at the position shown. <a "
      "href=\"/api/queries\">Queries</a> · <a href=\"");
  out.text(assets.url("THIRD_PARTY_NOTICES.txt")).raw("\">Licences</a></footer></body></html>");
  return {page_head(200), {}, shared_bytes(std::move(out).take())};
}

web::response render_error(const web::request& request, const error& what,
                           const project& configuration, const web::asset_store& assets) {
  auto document = web::problem(what);
  if (request.header("accept").find("text/html") == std::string_view::npos) return document;
  html out;
  begin_page(out, configuration, "Error", assets);
  out.raw("</head><body><header class=\"page-header\">");
  append_navigation(out, configuration, {});
  out.raw("</header><main class=\"problem\"><h1>").text(what.message).raw("</h1>");
  if (!what.place.empty()) out.raw("<p>").text(what.place).raw("</p>");
  if (!what.hint.empty()) out.raw("<p>").text(what.hint).raw("</p>");
  out.raw("</main></body></html>");
  return {page_head(document.head.status()), {}, shared_bytes(std::move(out).take())};
}

std::string dashboard_url(std::string_view dashboard, std::string_view suffix,
                          const page_parameters& parameters) {
  std::string url = fmt::format("/d/{}{}", dashboard, suffix);
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    url += fmt::format("{}{}={}", std::exchange(separator, '&'), percent_encode(name),
                       percent_encode(value));
  }
  return url;
}

}  // namespace lodestar::app
