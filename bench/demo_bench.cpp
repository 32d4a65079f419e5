// The demo as somebody who types `make run` meets it: how long until it is ready, and what memory
// it holds with three million flights, at rest and while it replays. Beside it: a program that does
// nothing but load the same tables into DuckDB, which is this one.
//
// Not measured: the file cache of the kernel (the Parquet file has been read before), the browser.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
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

constexpr double mebibyte = 1 << 20;
// Loading takes memory that the allocator gives back a moment later.
constexpr std::chrono::seconds settling(3);
constexpr const char* page_feed = "/d/flights/feed";

/// The highest of each figure over a while.
process_memory peak_memory(const lodestar_server& server, std::chrono::seconds during) {
  process_memory peak;
  const stopwatch time;
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto now = server.memory();
    peak.resident_bytes = std::max(peak.resident_bytes, now.resident_bytes);
    peak.anonymous_bytes = std::max(peak.anonymous_bytes, now.anonymous_bytes);
  } while (time.seconds() < static_cast<double>(during.count()));
  return peak;
}

void add_memory(report& out, const std::string& subject, const std::string& what,
                const process_memory& memory) {
  out.add(subject, what, "memory", "MiB", memory.resident_bytes / mebibyte);
  out.add(subject, what, "memory without mapped files", "MiB", memory.anonymous_bytes / mebibyte);
}

/// First, while this process is small; its memory after one load, as the server loads once.
void measure_duckdb_alone(report& out, const fs::path& project, int repeats) {
  const auto sql = read_project(project, "flights");
  const auto before = memory_of(::getpid());
  sample seconds;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const stopwatch time;
    raw_duckdb duckdb(project);
    for (const auto& statement : sql.load) duckdb.run(statement);
    seconds.add(time.seconds());
    if (repeat > 0) continue;
    std::this_thread::sleep_for(settling);
    const auto after = memory_of(::getpid());
    add_memory(out, "duckdb alone", "history loaded, at rest",
               {after.resident_bytes - before.resident_bytes,
                after.anonymous_bytes - before.anonymous_bytes});
  }
  out.add("duckdb alone", "history loaded", "time", "s", seconds.median());
}

void measure_start(report& out, const fs::path& project, int repeats) {
  sample seconds;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const temp_folder folder;
    const stopwatch time;
    lodestar_server server(project, folder.path() / "data");
    expect_success(http_connection(server.port()).get("/health/ready"));
    seconds.add(time.seconds());
    server.stop();
  }
  out.add("lodestar serve", "start", "time until /health/ready answers 200", "s", seconds.median());
}

void measure_rest(report& out, const fs::path& project) {
  const temp_folder folder;
  const lodestar_server server(project, folder.path() / "data");
  const viewers page(server.port(), page_feed, 1);
  page.wait_for(0);
  std::this_thread::sleep_for(settling);
  add_memory(out, "lodestar serve", "history loaded, page open, at rest", server.memory());
}

void measure_replay(report& out, const fs::path& project, std::chrono::seconds during) {
  const temp_folder folder;
  const lodestar_server server(project, folder.path() / "data", {"--speed", "600"}, "demo");
  const viewers page(server.port(), page_feed, 1);
  page.wait_for(1);
  std::this_thread::sleep_for(settling);
  const double events_before = server.metric("lodestar_log_events_appended_total");
  const stopwatch time;
  const auto peak = peak_memory(server, during);
  const double events = server.metric("lodestar_log_events_appended_total") - events_before;
  add_memory(out, "lodestar demo", "replaying at speed 600, page open, peak", peak);
  out.add("lodestar demo", "replaying at speed 600, page open, peak", "replayed", "events/s",
          events / time.seconds());
}

void measure(report& out, const arguments& given) {
  const fs::path project = source_folder() / "examples/flights";
  const int repeats = given.quick ? 1 : 5;
  measure_duckdb_alone(out, project, repeats);
  measure_start(out, project, repeats);
  measure_rest(out, project);
  measure_replay(out, project, std::chrono::seconds(given.quick ? 1 : 60));
  out.note("not measured: a cold file cache, the browser");
}

}  // namespace

int main(int argc, char** argv) {
  return run("demo", argc, argv, measure);
}
