#include "api/events_api.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/compile.h>
#include <fmt/format.h>
#include <lodestar/base/ascii.hpp>
#include <lodestar/base/json.hpp>

#include "api/answers.hpp"
#include "api/parameters.hpp"
#include "config/text.hpp"

namespace lodestar::app {
namespace {

constexpr std::size_t read_events_max = 10'000;
constexpr std::size_t read_bytes_max = std::size_t{8} << 20;

result<event_format> format_of(const web::request& request) {
  const std::string_view type = request.header("content-type");
  const std::string media = to_ascii_lower(trim(type.substr(0, type.find(';'))));
  if (media == "application/json") return event_format::json;
  if (media == "application/x-ndjson" || media == "application/ndjson" ||
      media == "application/jsonl")
    return event_format::ndjson;
  // curl -d says form-urlencoded unless told otherwise; the text decides then.
  if (media.empty() || media == "application/x-www-form-urlencoded" || media == "text/plain")
    return event_format::detect;
  return fail(error_code::unsupported, fmt::format("content type {} is not understood", media),
              "header Content-Type", "send application/json or application/x-ndjson");
}

/// Runs on the thread that commits, between two transactions: hence the compiled formats.
std::string answer_body(const std::vector<std::string>& ids,
                        const std::vector<log::appended>& stored) {
  constexpr std::size_t event_bytes = 110;
  log::position last = 0;
  std::string body = R"({"events":[)";
  body.reserve(body.size() + stored.size() * event_bytes);
  for (std::size_t index = 0; index < stored.size(); ++index) {
    const auto& one = stored[index];
    last = std::max(last, one.at);
    if (index > 0) body += ',';
    fmt::format_to(std::back_inserter(body), FMT_COMPILE(R"({{"position":{},"version":{},)"),
                   one.at, one.stream_version);
    body += one.duplicate ? R"("duplicate":true,"event_id":)" : R"("duplicate":false,"event_id":)";
    append_json_string(body, ids[index]);
    body += '}';
  }
  fmt::format_to(std::back_inserter(body), FMT_COMPILE(R"(],"position":{}}})"), last);
  return body;
}

web::response answer(const std::vector<std::string>& ids,
                     const result<std::vector<log::appended>>& outcome) {
  if (!outcome) return web::problem(outcome.error());
  const bool all_known =
      std::all_of(outcome->begin(), outcome->end(), [](const auto& one) { return one.duplicate; });
  return json_answer(all_known ? 200 : 201, answer_body(ids, *outcome));
}

void append_event(std::string& out, const log::event& event) {
  const auto text = [&out](std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(out), R"(,"{}":)", name);
    append_json_string(out, value);
  };
  fmt::format_to(std::back_inserter(out),
                 R"({{"position":{},"version":{},"recorded_at_us":{},"schema_version":{})",
                 event.at, event.stream_version, event.recorded_at_us, event.schema_version);
  text("event_id", event.event_id);
  text("aggregate_type", event.aggregate_type);
  text("aggregate_id", event.aggregate_id);
  text("event_type", event.event_type);
  fmt::format_to(std::back_inserter(out), R"(,"payload":{},"metadata":{}}})", event.payload,
                 event.metadata);
  out += '\n';
}

result<std::int64_t> integer_parameter(const web::request& request, std::string_view name,
                                       std::int64_t fallback, std::int64_t at_most) {
  const auto text = request.parameter(name);
  if (!text) return fallback;
  const auto value = parse_integer(*text);
  if (!value || *value < 0 || *value > at_most) {
    return fail(error_code::invalid_argument,
                fmt::format("must be an integer from 0 to {}, not \"{}\"", at_most, *text),
                fmt::format("parameter {}", name));
  }
  return *value;
}

result<log::read_filter> filter_of(const web::request& request) {
  if (auto once = refuse_repeated(request); !once) return std::unexpected(std::move(once.error()));
  for (const auto& [name, value] : request.query) {
    if (name != "after" && name != "limit" && name != "type" && name != "aggregate_type" &&
        name != "aggregate_id") {
      return fail(error_code::invalid_argument, fmt::format("unknown parameter {}", name),
                  "parameter " + name, "use after, limit, type, aggregate_type, aggregate_id");
    }
  }
  log::read_filter filter;
  const auto after =
      integer_parameter(request, "after", 0, std::numeric_limits<std::int64_t>::max());
  if (!after) return std::unexpected(after.error());
  const auto limit = integer_parameter(request, "limit", 1000, read_events_max);
  if (!limit) return std::unexpected(limit.error());
  filter.after = *after;
  filter.events_max = static_cast<std::size_t>(*limit);
  filter.bytes_max = read_bytes_max;
  filter.event_type = request.parameter("type").value_or("");
  filter.aggregate_type = request.parameter("aggregate_type").value_or("");
  filter.aggregate_id = request.parameter("aggregate_id").value_or("");
  if (!filter.aggregate_id.empty() && filter.aggregate_type.empty()) {
    return fail(error_code::invalid_argument, "aggregate_id needs aggregate_type",
                "parameter aggregate_id");
  }
  return filter;
}

}  // namespace

events_api::events_api(log::event_log& log,
                       const std::vector<analytics::event_definition>& definitions, clock& time,
                       executor& background, metrics_registry& metrics)
    : log_(log),
      definitions_(definitions),
      time_(time),
      background_(background),
      events_refused_(metrics.make_counter("lodestar_ingest_refused_requests_total",
                                           "Requests with events that were refused")) {}

void events_api::append(web::request request, web::exchange exchange) {
  const auto format = format_of(request);
  if (!format) return exchange.send(web::problem(415, format.error()));
  auto reader = take_reader();
  auto batch = reader->read(request.body, *format);
  return_reader(std::move(reader));
  if (!batch) {
    events_refused_.add();
    return exchange.send(web::problem(batch.error()));
  }
  std::vector<std::string> ids;
  ids.reserve(batch->size());
  for (const auto& event : *batch) ids.push_back(event.event_id);
  log_.append(std::move(*batch),
              [this, ids = std::move(ids), exchange = std::move(exchange)](auto outcome) mutable {
                if (!outcome) events_refused_.add();
                exchange.send(answer(ids, outcome));
              });
}

void events_api::read(web::request request, web::exchange exchange) {
  auto filter = filter_of(request);
  if (!filter) return exchange.send(web::problem(filter.error()));
  // Reading may wait for the disk: not on a thread that serves connections.
  auto shared = std::make_shared<web::exchange>(std::move(exchange));
  const bool taken = background_.post([this, filter = std::move(*filter), shared] {
    const auto page = log_.read(filter);
    if (!page) return shared->send(web::problem(page.error()));
    std::string body;
    for (const auto& event : page->events) append_event(body, event);
    shared->send({web::response_head(200, {{"Content-Type", "application/x-ndjson"},
                                           {"Cache-Control", "no-store"}}),
                  {{"Lodestar-Position", std::to_string(page->through)},
                   {"Lodestar-At-End", page->at_end ? "true" : "false"}},
                  shared_bytes(std::move(body))});
  });
  if (!taken)
    shared->send(web::problem(
        {error_code::unavailable, "too many requests are waiting", "", "try again later"}));
}

std::unique_ptr<event_reader> events_api::take_reader() {
  {
    const std::lock_guard lock(readers_mutex_);
    if (!readers_.empty()) {
      auto reader = std::move(readers_.back());
      readers_.pop_back();
      return reader;
    }
  }
  return std::make_unique<event_reader>(definitions_, time_, system_random());
}

void events_api::return_reader(std::unique_ptr<event_reader> reader) {
  const std::lock_guard lock(readers_mutex_);
  readers_.push_back(std::move(reader));
}

}  // namespace lodestar::app
