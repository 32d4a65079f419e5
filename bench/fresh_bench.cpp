// How fresh a page is: from the durable acknowledgement of an event to the frame at the viewer's
// socket.
//
// * A small page (four tiles over the last hours of some thousand rows), 50 events a second, 1, 100
// and 1,000 viewers.
// * The flights page over three million rows, one event at a time: a whole refresh round beside
// what DuckDB alone needs
//   for the same queries on the same rows as of the same position, on as many connections, in
//   turns.
// * The small page in headless Chromium: from the acknowledgement to the changed DOM
// (fresh_browser.mjs).
//
// The poster, all viewers (one thread) and the server share the machine. A latency that is counted
// from the acknowledgement may be negative: the frame is on its way before the poster has read its
// answer.
//
// Not measured: TLS, remote viewers, painting.
#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "support/files.hpp"
#include "support/http.hpp"
#include "support/process.hpp"
#include "support/raw_duckdb.hpp"
#include "support/report.hpp"
#include "support/viewers.hpp"

namespace {

using namespace lodestar::bench;
namespace fs = std::filesystem;

constexpr std::int64_t event_interval_ns = 20'000'000;  // 50 a second.
constexpr std::size_t raw_connections = 2;

struct posted {
  std::int64_t position = 0;
  std::int64_t sent_ns = 0;          ///< Just before the request.
  std::int64_t acknowledged_ns = 0;  ///< When the answer was here.
};

class poster {
 public:
  explicit poster(std::uint16_t port) : connection_(port) {}

  posted post(const std::string& event) {
    posted done;
    done.sent_ns = now_ns();
    const auto answer = connection_.post("/api/events", "application/json", event);
    done.acknowledged_ns = now_ns();
    done.position = last_number(expect_success(answer).body, "position");
    return done;
  }

 private:
  http_connection connection_;
};

void sleep_until_ns(std::int64_t when_ns) {
  std::this_thread::sleep_until(
      std::chrono::steady_clock::time_point(std::chrono::nanoseconds(when_ns)));
}

struct latencies {
  sample from_acknowledged, from_sent;
};

/// One value per event and viewer.
latencies match(const std::vector<posted>& events, const viewers& watching) {
  latencies found;
  for (std::size_t viewer = 0; viewer < watching.count(); ++viewer) {
    std::size_t hint = 0;
    for (const auto& event : events) {
      const auto arrived_ns = watching.arrived_at_ns(viewer, event.position, hint);
      if (arrived_ns == 0)
        throw std::runtime_error(
            fmt::format("viewer {} never saw position {}", viewer, event.position));
      found.from_acknowledged.add(static_cast<double>(arrived_ns - event.acknowledged_ns) / 1e6);
      found.from_sent.add(static_cast<double>(arrived_ns - event.sent_ns) / 1e6);
    }
  }
  return found;
}

// The small page

void measure_viewers(report& out, const lodestar_server& server, std::size_t count,
                     std::int64_t events, std::int64_t& next_event) {
  viewers watching(server.port(), "/d/sensors/feed", count);
  poster posting(server.port());
  watching.wait_for(posting.post(small_event(next_event++)).position);
  const std::uint64_t bytes_before = watching.bytes();
  const double frames_before = server.metric("lodestar_web_frames_sent_total");
  std::vector<posted> done;
  std::int64_t due_ns = now_ns();
  for (std::int64_t event = 0; event < events; ++event, due_ns += event_interval_ns) {
    sleep_until_ns(due_ns);
    done.push_back(posting.post(small_event(next_event++)));
  }
  watching.wait_for(done.back().position);
  const double frames = server.metric("lodestar_web_frames_sent_total") - frames_before;
  watching.stop();

  const auto found = match(done, watching);
  const std::string what =
      fmt::format("small page, {} viewer{}, 50 events/s", count, count > 1 ? "s" : "");
  const std::string bar = count < 1'000 ? "p50 (bar: 10)" : "p50";
  out.add("lodestar", what, "acknowledged to frame " + bar, "ms",
          found.from_acknowledged.quantile(0.5));
  out.add("lodestar", what,
          count < 1'000 ? "acknowledged to frame p99" : "acknowledged to frame p99 (bar: 100)",
          "ms", found.from_acknowledged.quantile(0.99));
  out.add_quantiles("lodestar", what, "sent to frame", "ms", found.from_sent);
  out.add("lodestar", what, "frames a viewer", "per event",
          frames / static_cast<double>(count) / static_cast<double>(events));
  out.add("lodestar", what, "size of a frame", "B",
          static_cast<double>(watching.bytes() - bytes_before) / frames);
}

/// At the same pace: after a pause a query takes longer than in a loop.
void measure_raw_small(report& out, const fs::path& project, int rounds) {
  const auto sql = read_project(project, "sensors");
  raw_duckdb duckdb(project);
  for (const auto& statement : sql.load) duckdb.run(statement);
  raw_round alone(duckdb, sql.queries, raw_connections);
  sample round_ms;
  std::int64_t due_ns = now_ns();
  for (int round = 0; round < rounds; ++round, due_ns += event_interval_ns) {
    sleep_until_ns(due_ns);
    round_ms.add(alone.run_ms(0));
  }
  out.add_quantiles("duckdb alone, 2 connections", "small page, 50 rounds/s",
                    fmt::format("{} queries", sql.queries.size()), "ms", round_ms);
}

void measure_small_page(report& out, const arguments& given) {
  const temp_folder folder;
  const fs::path project = folder.path() / "project";
  write_small_project(project);
  out.add("lodestar", "small page", "analytics.round_interval_ms", "ms",
          std::atof(effective_setting(project, "analytics.round_interval_ms").c_str()));
  const lodestar_server server(project, folder.path() / "data");
  std::int64_t next_event = 0;
  const auto counts =
      given.quick ? std::vector<std::size_t>{1, 10} : std::vector<std::size_t>{1, 100, 1'000};
  for (const std::size_t count : counts)
    measure_viewers(out, server, count, given.quick ? 25 : 500, next_event);
  measure_raw_small(out, project, given.quick ? 5 : 500);
}

// The flights page

struct departure {
  std::string date;
  std::int64_t delay;
};

/// Later than every flight of the file.
departure departure_number(std::int64_t number) {
  const auto seconds = number % 3'600;
  return {fmt::format("2001-07-01T00:{:02}:{:02}Z", seconds / 60, seconds % 60),
          number * 31 % 120 - 20};
}

std::string event_of(const departure& made) {
  return fmt::format(
      R"({{"event_type":"FlightDeparted","aggregate_id":"ATL","payload":{{"date":"{}","delay":{},"distance":760,"destination":"LGA"}}}})",
      made.date, made.delay);
}

/// The flights after the history of the example are events of the log: three million rows in all.
std::string later_flights() {
  return fmt::format(
      "(SELECT * FROM read_parquet('{}') WHERE date >= TIMESTAMP '2001-06-17 05:00'"
      " ORDER BY date, origin, destination, delay, distance)",
      flights_file().string());
}

void import_later_flights(const fs::path& project, const temp_folder& folder) {
  const fs::path file = folder.path() / "later.ndjson";
  raw_duckdb().run(fmt::format("COPY ({}) TO '{}' (FORMAT json)",
                               select_flight_events(later_flights()), file.string()));
  run_successfully(
      {lodestar_binary(), "import", file, "--project", project, "--data", folder.path() / "data"});
}

void load_raw_flights(raw_duckdb& duckdb, const project_sql& sql) {
  for (const auto& statement : sql.load) duckdb.run(statement);
  duckdb.run(
      fmt::format("INSERT INTO flight_log SELECT row_number() OVER (), TIMESTAMP '2026-01-01', "
                  "origin, date, delay,"
                  " distance, destination FROM {}",
                  later_flights()));
  duckdb.run("CHECKPOINT");
}

void measure_flights_page(report& out) {
  const temp_folder folder;
  const fs::path project = source_folder() / "examples/flights";
  import_later_flights(project, folder);
  const auto sql = read_project(project, "flights");
  raw_duckdb duckdb(project);
  load_raw_flights(duckdb, sql);
  raw_round alone(duckdb, sql.queries, raw_connections);
  // Not the project's own, which is slower on purpose: one event at a time, as soon as it can be.
  const lodestar_server server(project, folder.path() / "data",
                               {"--analytics-round-interval-ms", "10"});
  viewers watching(server.port(), "/d/flights/feed", 1);
  poster posting(server.port());
  watching.wait_for(posting.post(event_of(departure_number(0))).position, std::chrono::seconds(60));

  constexpr int rounds = 150, warm_up_rounds = 10;
  std::vector<posted> done;
  sample alone_ms;
  const double executions_before = server.metric("lodestar_analytics_query_seconds_count");
  for (int round = 0; round < rounds; ++round) {
    const auto made = departure_number(round + 1);
    done.push_back(posting.post(event_of(made)));
    watching.wait_for(done.back().position);
    std::this_thread::sleep_for(
        std::chrono::milliseconds(15));  // The server is idle now, and past its round interval.
    duckdb.run(
        fmt::format("INSERT INTO flight_log VALUES ({}, now()::TIMESTAMP, 'ATL', TIMESTAMP '{}', "
                    "{}, 760, 'LGA')",
                    done.back().position, made.date, made.delay));
    const double took_ms = alone.run_ms(done.back().position);
    if (round >= warm_up_rounds) alone_ms.add(took_ms);
  }
  const double executions =
      server.metric("lodestar_analytics_query_seconds_count") - executions_before;
  watching.stop();

  done.erase(done.begin(), done.begin() + warm_up_rounds);
  const auto found = match(done, watching);
  const std::string what = "flights page, 3 million rows";
  out.add_quantiles("lodestar", what, "acknowledged to frame", "ms", found.from_acknowledged);
  out.add_quantiles("lodestar", what, "sent to frame", "ms", found.from_sent);
  out.add("lodestar", what, "queries run by DuckDB", "per event", executions / rounds);
  out.add_quantiles("duckdb alone, 2 connections", what,
                    fmt::format("{} queries", sql.queries.size()), "ms", alone_ms);
  out.add("lodestar / duckdb alone", what, "ratio of p50 (bar: 1.2)", "",
          found.from_acknowledged.median() / alone_ms.median());
}

// The browser

void measure_browser(report& out, const arguments& given) {
  const fs::path bundled = source_folder() / "third_party/node/bin/node";
  const auto node = fs::exists(bundled) ? std::optional(bundled.string()) : find_program("node");
  if (!node) return out.note("left out: the browser, Node.js is not installed");
  const temp_folder folder;
  write_small_project(folder.path() / "project");
  const lodestar_server server(folder.path() / "project", folder.path() / "data");
  const auto done = run_successfully({*node, source_folder() / "bench/fresh_browser.mjs",
                                      server.url(), given.quick ? "10" : "250"});
  if (done.output.starts_with("left out: "))
    return out.note(done.output.substr(0, done.output.find('\n')));
  for (const char* metric : {"acknowledged to DOM p50", "acknowledged to DOM p99",
                             "sent to DOM p50", "sent to DOM p99"}) {
    out.add("lodestar", "small page in Chromium, 20 events/s", metric, "ms",
            std::atof(done.output.c_str() + done.output.find(metric) +
                      std::string_view(metric).size()));
  }
}

void measure(report& out, const arguments& given) {
  if (given.wants("small page")) measure_small_page(out, given);
  if (given.wants("flights page") && !given.quick) measure_flights_page(out);
  if (given.wants("browser") && !given.quick) measure_browser(out, given);
  if (given.quick) out.note("left out of a quick run: the flights page and the browser");
  out.note(
      "not measured: TLS, remote viewers, painting; the poster and all viewers share the machine "
      "with the server");
}

}  // namespace

int main(int argc, char** argv) {
  return run("fresh", argc, argv, measure);
}
