// Events into the log, durable: over HTTP in batches of 100 with 1 and with 8 connections, and
// through `lodestar import` of NDJSON, CSV and Parquet, against the bare limit of SQLite: the same
// rows, as Lodestar stored them, through prepared statements into the same schema with the same
// pragmas and checkpoints.
//
// Lodestar's side holds everything: HTTP, parsing, checks against the event's declaration, event
// ids, group commit, and for HTTP the feeder that moves the events into DuckDB meanwhile, on the
// same cores as the client. The raw side parses nothing. A transaction of the raw side has as many
// events as those of Lodestar had, on average as its own counters say; an import does not tell, so
// there it is the most that one can hold: four of its batches.
//
// Not measured: remote clients, TLS, a disk that is busy with something else.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <functional>
#include <latch>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "support/files.hpp"
#include "support/http.hpp"
#include "support/process.hpp"
#include "support/raw_duckdb.hpp"
#include "support/raw_sqlite.hpp"
#include "support/report.hpp"

namespace {

using namespace lodestar::bench;
namespace fs = std::filesystem;

constexpr std::size_t post_events = 100;
// Of app/commands/import.cpp and app/ingest/event_sink.cpp: at most four batches of 2,000 share a
// transaction.
constexpr std::size_t import_transaction_events = 8'000;

constexpr const char* event_text = R"(event_type = "FlightDeparted"
aggregate_type = "Airport"
table = "flight"
key_column = "origin"

[[field]]
name = "date"
type = "timestamp"

[[field]]
name = "delay"
type = "integer"

[[field]]
name = "distance"
type = "integer"

[[field]]
name = "destination"
type = "text"
)";

struct plan {
  int post_repeats, import_repeats;
  std::size_t events;    ///< In the files.
  std::size_t requests;  ///< Of post_events events each.
};

/// The files that are imported and posted, all with the same flights.
struct work_folder {
  temp_folder folder;
  fs::path project = folder.path() / "project";
  fs::path data = folder.path() / "data";
  fs::path raw_file = folder.path() / "raw.db";
  fs::path parquet = folder.path() / "flights.parquet";
  fs::path csv = folder.path() / "flights.csv";
  fs::path ndjson = folder.path() / "flights.ndjson";

  explicit work_folder(std::size_t events) {
    write_texts(project, {{"lodestar.toml", "[project]\nname = \"flights\"\n"},
                          {"events/flight_departed.toml", event_text}});
    raw_duckdb files;
    files.run(
        fmt::format("CREATE TABLE flight AS SELECT origin, date, delay, distance, destination FROM "
                    "read_parquet('{}') LIMIT {}",
                    flights_file().string(), events));
    files.run(fmt::format("COPY flight TO '{}'", parquet.string()));
    files.run(fmt::format("COPY flight TO '{}' (HEADER)", csv.string()));
    files.run(fmt::format("COPY ({}) TO '{}' (FORMAT json)", select_flight_events("flight"),
                          ndjson.string()));
  }

  [[nodiscard]] fs::path log_file() const { return data / "events.db"; }
  void clear_data() const { fs::remove_all(data); }
};

/// What one run of Lodestar took, and how many events its transactions had.
struct run_result {
  double seconds = 0;
  std::size_t transaction_events = 0;
  double commit_ms = 0;  ///< Mean time of a transaction; of an import unknown.
};

/// Posts the bodies over so many connections and waits for every answer.
double post_all(std::uint16_t port, const std::vector<std::string>& bodies,
                std::size_t connections) {
  std::vector<std::unique_ptr<http_connection>> open;
  for (std::size_t index = 0; index < connections; ++index)
    open.push_back(std::make_unique<http_connection>(port));
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::latch ready(static_cast<std::ptrdiff_t>(connections) + 1);
  std::vector<std::jthread> threads;
  for (auto& connection : open) {
    threads.emplace_back([&, own = connection.get()] {
      ready.arrive_and_wait();
      try {
        for (std::size_t index = next++; index < bodies.size(); index = next++) {
          expect_success(own->post("/api/events", "application/x-ndjson", bodies[index]));
        }
      } catch (const std::exception& failure) {
        fmt::print(stderr, "{}\n", failure.what());
        failed = true;
      }
    });
  }
  ready.arrive_and_wait();
  const stopwatch time;
  threads.clear();
  if (failed) throw std::runtime_error("a request failed");
  return time.seconds();
}

std::vector<std::string> make_bodies(const fs::path& ndjson, std::size_t requests) {
  std::ifstream lines(ndjson);
  std::vector<std::string> bodies(requests);
  std::string line;
  for (auto& body : bodies) {
    for (std::size_t event = 0; event < post_events && std::getline(lines, line); ++event)
      body += line + '\n';
  }
  return bodies;
}

run_result run_post(const work_folder& folder, const std::vector<std::string>& bodies,
                    std::size_t connections) {
  lodestar_server server(folder.project, folder.data);
  run_result done;
  done.seconds = post_all(server.port(), bodies, connections);
  const double commits = server.metric("lodestar_log_commits_total");
  done.transaction_events = static_cast<std::size_t>(
      std::lround(server.metric("lodestar_log_events_appended_total") / commits));
  done.commit_ms = server.metric("lodestar_log_commit_seconds_sum") / commits * 1e3;
  server.stop();
  return done;
}

run_result run_import(const work_folder& folder, const fs::path& file) {
  std::vector<std::string> command = {lodestar_binary(), "import", file,       "--project",
                                      folder.project,    "--data", folder.data};
  if (file.extension() != ".ndjson")
    command.insert(command.end(), {"--event-type", "FlightDeparted"});
  return {run_successfully(command).seconds, import_transaction_events};
}

/// Measures a case and its raw counterpart in turns. An import's time ends with its process, so it
/// holds the closing of the log, on both sides.
template <class Run>
void compare(report& out, const work_folder& folder, int repeats, const std::string& what,
             bool with_closing, Run run_lodestar) {
  sample ours, raw, ratio;
  run_result done;
  std::size_t events = 0, text_bytes = 0;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    folder.clear_data();
    done = run_lodestar();
    const auto rows = read_events(folder.log_file());
    events = rows.size();
    text_bytes = std::transform_reduce(rows.begin(), rows.end(), std::size_t{0}, std::plus<>(),
                                       [](const stored_event& row) { return row.text_bytes(); });
    remove_database(folder.raw_file);
    const auto times =
        insert_events(folder.raw_file, rows, {.transaction_events = done.transaction_events});
    ours.add(done.seconds);
    raw.add(times.inserting_s + (with_closing ? times.closing_s : 0));
    ratio.add(times.inserting_s / done.seconds +
              (with_closing ? times.closing_s / done.seconds : 0));
  }
  const auto add = [&](const std::string& subject, const sample& seconds) {
    out.add(subject, what, "rate", "events/s", static_cast<double>(events) / seconds.median());
    out.add(subject, what, "rate of the events' text", "MB/s",
            static_cast<double>(text_bytes) / 1e6 / seconds.median());
  };
  add("lodestar", ours);
  add("sqlite alone", raw);
  if (done.commit_ms > 0)
    out.add("lodestar", what, "mean time of a transaction", "ms", done.commit_ms);
  out.add("both", what, "events a transaction", "events",
          static_cast<double>(done.transaction_events));
  out.add("lodestar / sqlite alone", what, "ratio (bar: 0.7)", "", ratio.median());
}

/// How long the disk takes to make 4 KiB durable.
double fsync_ms(const fs::path& folder, int times) {
  const int file = ::open((folder / "fsync").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  const std::string page(4'096, 'x');
  sample each;
  for (int index = 0; index < times; ++index) {
    const stopwatch time;
    if (::pwrite(file, page.data(), page.size(), 0) != 4'096 || ::fdatasync(file) != 0)
      throw std::runtime_error("cannot write");
    each.add(time.seconds() * 1e3);
  }
  ::close(file);
  return each.median();
}

void measure_posts(report& out, const arguments& given, const work_folder& folder,
                   const plan& how) {
  const auto bodies = make_bodies(folder.ndjson, how.requests);
  for (const std::size_t connections : {1U, 8U}) {
    const std::string what = fmt::format("POST of {} events, {} connection{}", post_events,
                                         connections, connections > 1 ? "s" : "");
    if (!given.wants(what)) continue;
    compare(out, folder, how.post_repeats, what, false,
            [&] { return run_post(folder, bodies, connections); });
  }
}

void measure_imports(report& out, const arguments& given, const work_folder& folder,
                     const plan& how) {
  for (const auto& file : {folder.ndjson, folder.csv, folder.parquet}) {
    const std::string what =
        fmt::format("import of {} events, {}", how.events, file.extension().string().substr(1));
    if (!given.wants(what)) continue;
    compare(out, folder, how.import_repeats, what, true, [&] { return run_import(folder, file); });
  }
}

void measure(report& out, const arguments& given) {
  const plan how = given.quick ? plan{1, 1, 5'000, 20} : plan{7, 3, 300'000, 1'200};
  const work_folder folder(how.events);
  out.add("disk", folder.folder.path().parent_path().string(), "4 KiB made durable p50", "ms",
          fsync_ms(folder.folder.path(), given.quick ? 5 : 100));
  measure_posts(out, given, folder, how);
  measure_imports(out, given, folder, how);
  out.note("not measured: remote clients, TLS, a disk that is busy with something else");
}

}  // namespace

int main(int argc, char** argv) {
  return run("ingest", argc, argv, measure);
}
