#include "api/router.hpp"

#include <utility>

#include <fmt/format.h>

#include "api/answers.hpp"

namespace lodestar::app {
namespace {

constexpr std::string_view queries_prefix = "/api/queries/";
constexpr std::string_view dashboard_prefix = "/d/";
constexpr std::string_view feed_suffix = "/feed";

web::response no_such_page(const std::string& path) {
  return web::problem({error_code::not_found, fmt::format("there is nothing at {}", path), path,
                       "see / for the dashboards and /api/queries for the queries"});
}

web::response wrong_method(std::string allowed) {
  auto answer = web::problem(
      405, {error_code::unsupported, "this method is not allowed here", "", "use " + allowed});
  answer.headers.emplace_back("Allow", std::move(allowed));
  return answer;
}

/// A page of another site may send a form here without asking (no preflight), and a browser on this
/// machine reaches a loopback address: what changes something must come from this site's pages or
/// from no page at all.
bool comes_from_another_site(const web::request& request) {
  const auto site = request.header("sec-fetch-site");
  if (!site.empty()) return site != "same-origin" && site != "none";
  const auto origin = request.header("origin");
  if (origin.empty()) return false;
  const auto scheme_end = origin.find("://");
  return scheme_end == std::string_view::npos ||
         origin.substr(scheme_end + 3) != request.header("host");
}

}  // namespace

router::router(const parts& all)
    : parts_(all),
      events_(all.log, all.configuration.events, all.time, all.background, all.metrics),
      queries_(all.service, all.background) {}

void router::handle(web::request request, web::exchange exchange) {
  const bool reads = request.verb == web::method::get || request.verb == web::method::head;
  if (!reads && comes_from_another_site(request)) {
    return exchange.send(web::problem(
        {error_code::permission_denied, "a page of another site may not change anything here",
         "header Origin", "send the request from a program, or from a page of this server"}));
  }
  if (request.path == "/api/events" && request.verb == web::method::post) {
    return events_.append(std::move(request), std::move(exchange));
  }
  if (reads) return get(std::move(request), std::move(exchange));
  exchange.send(wrong_method(request.path == "/api/events" ? "GET, HEAD, POST" : "GET, HEAD"));
}

void router::get(web::request request, web::exchange exchange) {
  const std::string_view path = request.path;
  if (path.starts_with(queries_prefix)) {
    const std::string name(path.substr(queries_prefix.size()));
    return queries_.get(name, std::move(request), std::move(exchange));
  }
  if (path.starts_with("/static/")) return exchange.send(parts_.assets.serve(request));
  if (path.starts_with(dashboard_prefix)) {
    const std::string rest(path.substr(dashboard_prefix.size()));
    return get_dashboard(rest, std::move(request), std::move(exchange));
  }
  if (path == "/") return exchange.send(home());
  if (path == "/api/queries") return queries_.list(std::move(exchange));
  if (path == "/api/events") return events_.read(std::move(request), std::move(exchange));
  if (path == "/health/live") return exchange.send(json_answer(200, R"({"status":"live"})"));
  if (path == "/health/ready") return exchange.send(readiness());
  if (path == "/metrics") {
    parts_.service.update_metrics();
    parts_.tiers.update_metrics();
    return exchange.send(
        web::response::text(200, "text/plain; version=0.0.4", parts_.metrics.expose()));
  }
  exchange.send(no_such_page(request.path));
}

void router::get_dashboard(std::string_view rest, web::request request, web::exchange exchange) {
  if (rest.ends_with(feed_suffix)) {
    return parts_.pages.feed(rest.substr(0, rest.size() - feed_suffix.size()), request,
                             std::move(exchange));
  }
  parts_.pages.show(rest, request, std::move(exchange));
}

web::response router::readiness() const {
  const auto stored = parts_.log.last_position();
  const auto applied = parts_.service.applied();
  const auto failure = parts_.service.feeder_error();
  std::string body = fmt::format(R"({{"status":"{}","position":{},"applied":{}}})",
                                 failure ? "degraded" : "ready", stored, applied);
  return json_answer(failure ? 503 : 200, std::move(body));
}

web::response router::home() const {
  if (parts_.configuration.home.empty()) {
    return web::problem({error_code::not_found, "the project has no dashboard", "dashboards/",
                         "add dashboards/NAME.toml"});
  }
  return {web::response_head(302, {{"Location", "/d/" + parts_.configuration.home},
                                   {"Cache-Control", "no-store"}}),
          {},
          {}};
}

}  // namespace lodestar::app
