#include "api/queries_api.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <lodestar/base/json.hpp>
#include <lodestar/web/negotiation.hpp>

#include "api/answers.hpp"
#include "api/parameters.hpp"
#include "config/reserved_names.hpp"
#include "config/text.hpp"

namespace lodestar::app {
namespace {

struct result_format {
  std::string_view name;
  std::string_view media_type;
  result<shared_bytes> (*body)(const analytics::query_result&);
  web::response_head head;
};

const std::array<result_format, 3>& result_formats() {
  const auto head = [](std::string type) {
    return web::response_head(
        200,
        {{"Content-Type", std::move(type)}, {"Cache-Control", "no-cache"}, {"Vary", "Accept"}});
  };
  static const std::array<result_format, 3> formats = {
      result_format{
          "json", "application/json",
          [](const analytics::query_result& value) -> result<shared_bytes> { return value.json(); },
          head("application/json")},
      result_format{
          "csv", "text/csv",
          [](const analytics::query_result& value) -> result<shared_bytes> { return value.csv(); },
          head("text/csv; charset=utf-8")},
      result_format{"arrow", "application/vnd.apache.arrow.stream",
                    [](const analytics::query_result& value) -> result<shared_bytes> {
                      return value.arrow();
                    },
                    head("application/vnd.apache.arrow.stream")}};
  return formats;
}

/// What a request asks for, beside the query's parameters.
struct query_request {
  const result_format* format = &result_formats()[0];
  std::int64_t min_position = 0;
  std::optional<std::int64_t> as_of;
  std::string if_none_match;
  analytics::parameters parameters;
};

result<std::int64_t> position_of(std::string_view name, std::string_view text) {
  const auto value = parse_integer(text);
  if (!value || *value < 0) {
    return fail(error_code::invalid_argument,
                fmt::format("must be a position (an integer, 0 or more), not \"{}\"", text),
                fmt::format("parameter {}", name));
  }
  return *value;
}

result<const result_format*> format_named(std::string_view name) {
  for (const auto& format : result_formats()) {
    if (format.name == name) return &format;
  }
  return fail(error_code::invalid_argument, fmt::format("unknown format \"{}\"", name),
              "parameter format", "use json, csv or arrow");
}

/// JSON for whoever takes none of them: a result that somebody did not expect says more than a 406.
const result_format* format_accepted(std::string_view accept) {
  std::array<std::string_view, 3> offered;
  std::ranges::transform(result_formats(), offered.begin(), &result_format::media_type);
  return &result_formats()[web::preferred_media_type(accept, offered).value_or(0)];
}

result<query_request> read_request(web::request& request) {
  query_request wanted;
  if (auto once = refuse_repeated(request); !once) return std::unexpected(std::move(once.error()));
  wanted.format = format_accepted(request.header("accept"));
  wanted.if_none_match = request.header("if-none-match");
  for (auto& [name, value] : request.query) {
    if (name == reserved::format) {
      const auto format = format_named(value);
      if (!format) return std::unexpected(format.error());
      wanted.format = *format;
    } else if (name == reserved::min_position || name == reserved::as_of) {
      const auto position = position_of(name, value);
      if (!position) return std::unexpected(position.error());
      if (name == reserved::as_of) {
        wanted.as_of = *position;
      } else {
        wanted.min_position = *position;
      }
    } else {
      wanted.parameters.emplace(std::move(name), std::move(value));
    }
  }
  return wanted;
}

std::string_view cache_status(const analytics::query_answer& answer) {
  if (answer.state == swr::freshness::stale) return "lodestar; hit; detail=stale";
  if (answer.hit) return "lodestar; hit";
  return answer.coalesced ? "lodestar; fwd=miss; collapsed" : "lodestar; fwd=miss";
}

web::response answer_of(const query_request& wanted, const analytics::query_answer& answer,
                        std::int64_t true_at) {
  const std::string etag =
      fmt::format("\"{}-{}\"", answer.value->digest().hex(), wanted.format->name);
  std::vector<web::name_value> headers = {{"ETag", etag},
                                          {"Lodestar-Position", std::to_string(true_at)},
                                          {"Cache-Status", std::string(cache_status(answer))},
                                          {"Age", std::to_string(answer.age_ms / 1000)}};
  if (web::etag_matches(wanted.if_none_match, etag)) {
    static const web::response_head not_modified(
        304, {{"Cache-Control", "no-cache"}, {"Vary", "Accept"}});
    return {not_modified, std::move(headers), {}};
  }
  auto body = wanted.format->body(*answer.value);
  if (!body) return web::problem(body.error());
  return {wanted.format->head, std::move(headers), std::move(*body)};
}

/// Making the text of a larger result takes milliseconds, which neither the other connections of
/// this core nor the next query shall wait for.
bool is_slow_to_render(const query_request& wanted, const analytics::query_result& value) {
  constexpr std::size_t arrow_bytes_max = 100'000;
  constexpr std::size_t cells_max = 10'000;
  return wanted.format->name != "arrow" && (value.arrow().size() > arrow_bytes_max ||
                                            value.rows() * value.columns().size() > cells_max);
}

void send_answer(query_request wanted, web::exchange exchange, analytics::query_answer answer,
                 std::int64_t true_at, executor& background) {
  if (!is_slow_to_render(wanted, *answer.value))
    return exchange.send(answer_of(wanted, answer, true_at));
  auto shared = std::make_shared<web::exchange>(std::move(exchange));
  const bool taken =
      background.post([shared, wanted = std::move(wanted), answer = std::move(answer), true_at] {
        shared->send(answer_of(wanted, answer, true_at));
      });
  if (!taken)
    shared->send(web::problem(
        {error_code::unavailable, "too many requests are waiting", "", "try again later"}));
}

std::string describe(const analytics::query_definition& query) {
  std::string out = R"({"name":)";
  append_json_string(out, query.name);
  out += R"(,"title":)";
  append_json_string(out, query.title);
  out += R"(,"parameters":[)";
  for (const auto& parameter : query.parameters) {
    if (&parameter != &query.parameters.front()) out += ',';
    out += R"({"name":)";
    append_json_string(out, parameter.name);
    fmt::format_to(std::back_inserter(out), R"(,"type":"{}","default":)",
                   analytics::to_string(parameter.type));
    if (parameter.default_value) {
      append_json_string(out, *parameter.default_value);
    } else {
      out += "null";
    }
    out += '}';
  }
  out += R"(],"depends_on":)";
  if (query.depends_on_all) {
    out += R"("all")";
  } else {
    out += '[';
    for (std::size_t index = 0; index < query.depends_on.size(); ++index) {
      if (index > 0) out += ',';
      append_json_string(out, query.depends_on[index]);
    }
    out += ']';
  }
  return out + "}";
}

}  // namespace

queries_api::queries_api(analytics::service& service, executor& background)
    : service_(service), background_(background) {}

void queries_api::list(web::exchange exchange) const {
  std::string body = R"({"queries":[)";
  for (const auto& query : service_.queries()) {
    if (&query != &service_.queries().front()) body += ',';
    body += describe(query);
  }
  exchange.send(json_answer(200, body + "]}"));
}

void queries_api::get(std::string_view name, web::request request, web::exchange exchange) {
  auto wanted = read_request(request);
  if (!wanted) return exchange.send(web::problem(wanted.error()));
  auto bound = service_.bind(name, wanted->parameters);
  if (!bound) return exchange.send(web::problem(bound.error()));

  // Before the cache is asked: a result that is current afterwards is true at this position.
  const std::int64_t applied = service_.applied();
  if (!wanted->as_of && wanted->min_position <= applied) {
    if (auto cached = service_.get_cached(*bound, {.allow_stale = false})) {
      const auto true_at = std::max(applied, cached->computed_at);
      return send_answer(std::move(*wanted), std::move(exchange), std::move(*cached), true_at,
                         background_);
    }
  }
  auto shared = std::make_shared<std::pair<query_request, web::exchange>>(std::move(*wanted),
                                                                          std::move(exchange));
  auto reply = [this, shared](result<analytics::query_answer> answer) {
    auto& [wanted_request, wire] = *shared;
    if (!answer) return wire.send(web::problem(answer.error()));
    // What was asked for with a lowest position is true there, even if it was computed before.
    const std::int64_t true_at =
        wanted_request.as_of.value_or(std::max(answer->computed_at, wanted_request.min_position));
    send_answer(std::move(wanted_request), std::move(wire), std::move(*answer), true_at,
                background_);
  };
  if (const auto as_of = shared->first.as_of)
    return service_.get_as_of(*bound, *as_of, std::move(reply));
  const std::int64_t min_position = shared->first.min_position;
  service_.get(*bound, {.position_min = min_position}, std::move(reply));
}

}  // namespace lodestar::app
