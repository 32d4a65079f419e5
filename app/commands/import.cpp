#include <filesystem>
#include <unordered_map>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <lodestar/base/logging.hpp>
#include <lodestar/sqlite_log/sqlite_log.hpp>

#include "application.hpp"
#include "commands/commands.hpp"
#include "commands/progress.hpp"
#include "ingest/event_sink.hpp"
#include "ingest/event_source.hpp"

namespace lodestar::app {
namespace {

// With the names of members and one event on top, still below a server's default limit of 8 MiB.
constexpr std::size_t batch_events_max = 2'000;
constexpr std::size_t batch_bytes_max = 4U << 20;

struct import_options {
  project_options project;
  std::vector<std::string> files;
  std::string event_type;
  std::string server;
};

/// Finds what is wrong with the files' names, formats and columns before anything is stored. Keeps
/// none open: there may be more files than a process can have open.
result<void> check_files(const import_options& options, const project& configuration) {
  std::unordered_map<std::string, std::string> files;
  for (const auto& file : options.files) {
    const auto [same, first] = files.emplace(std::filesystem::path(file).filename().string(), file);
    if (!first) {
      return fail(error_code::invalid_argument,
                  fmt::format("has the same name as {}, so equal events of both would count as one",
                              same->second),
                  file, "rename one of them, or import them one by one if that is meant");
    }
    auto source = open_source(file, configuration, options.event_type);
    if (!source) return std::unexpected(std::move(source.error()));
  }
  return {};
}

/// Moves everything from the source to the sink; events before a wrong one are stored.
result<std::uint64_t> copy(event_source& source, event_sink& sink, progress_display& display,
                           std::uint64_t events_before) {
  std::uint64_t events = 0;
  for (;;) {
    auto batch = source.next(batch_events_max, batch_bytes_max);
    if (!batch) return std::unexpected(std::move(batch.error()));
    if (batch->events.empty()) return events;
    events += batch->events.size();
    if (auto put = sink.put(std::move(*batch)); !put)
      return std::unexpected(std::move(put.error()));
    display.update(source.progress(), events_before + events);
  }
}

struct copied {
  std::uint64_t events = 0, bytes = 0;
};

result<copied> copy_files(const import_options& options, const project& configuration,
                          event_sink& sink) {
  copied all;
  for (const auto& file : options.files) {
    auto source = open_source(file, configuration, options.event_type);
    if (!source) return std::unexpected(std::move(source.error()));
    progress_display display(file, system_clock());
    const auto events = copy(**source, sink, display, all.events);
    display.finish();
    if (!events) return std::unexpected(events.error());
    all.events += *events;
    all.bytes += (*source)->bytes();
  }
  return all;
}

int fail_import(const error& what, const stored_count& count) {
  print_error(what);
  fmt::print(stderr,
             "{} events are stored{}; correct the mistake and import again, nothing is stored "
             "twice\n",
             grouped(count.stored),
             count.duplicates == 0
                 ? std::string()
                 : fmt::format(" ({} were stored before)", grouped(count.duplicates)));
  return exit_failed;
}

int import_files(const import_options& options, const project& configuration, event_sink& sink) {
  if (const auto checked = check_files(options, configuration); !checked) {
    print_error(checked.error());
    return exit_usage;
  }
  clock& time = system_clock();
  const auto began_at = time.now();
  const auto files = copy_files(options, configuration, sink);
  const auto [count, failure] = sink.finish();
  // What the sink refused stood before the line that a source is at by now.
  if (failure) return fail_import(*failure, count);
  if (!files) return fail_import(files.error(), count);
  const double elapsed_s =
      std::max(1e-6, std::chrono::duration<double>(time.now() - began_at).count());
  fmt::print("imported {} events ({} were stored before) in {:.1f} s: {} events/s, {:.1f} MB/s\n",
             grouped(count.stored), grouped(count.duplicates), elapsed_s,
             grouped(static_cast<std::uint64_t>(static_cast<double>(files->events) / elapsed_s)),
             static_cast<double>(files->bytes) / 1e6 / elapsed_s);
  return exit_done;
}

int import_into_log(const import_options& options, const project& configuration) {
  metrics_registry metrics;
  sqlite_log::options log_options;
  log_options.file = log_file(configuration.settings.values);
  auto log = sqlite_log::open(log_options, system_clock(), metrics);
  if (!log) {
    if (log.error().code == error_code::unavailable)
      log.error().hint = "import into the running server with --server http://ADDRESS:PORT";
    print_error(log.error());
    return exit_usage;
  }
  return import_files(options, configuration, *make_log_sink(**log));
}

int run_import(const import_options& options) {
  const auto configuration = load_or_explain(options.project);
  if (!configuration) return exit_usage;
  set_log_level(log_level::warning);
  if (options.server.empty()) return import_into_log(options, *configuration);
  auto sink = make_server_sink(options.server);
  if (!sink) {
    print_error(sink.error());
    return exit_usage;
  }
  return import_files(options, *configuration, **sink);
}

}  // namespace

void add_import(CLI::App& root, chosen_command& chosen) {
  auto* command = root.add_subcommand("import", "append the events of files: NDJSON, CSV, Parquet");
  command->footer(
      "Examples:\n"
      "  lodestar import events.ndjson --project my-project --data data\n"
      "  lodestar import flights.csv --event-type FlightDeparted --server http://127.0.0.1:8080");
  auto options = std::make_shared<import_options>();
  command->add_option("files", options->files, "files to import, in this order")->required();
  command->add_option("--event-type", options->event_type,
                      "event type that the rows of CSV, Parquet or plain NDJSON become");
  command->add_option("--server", options->server,
                      "append through a running server instead of the data folder");
  add_project_options(*command, options->project);
  command->callback([&chosen, options] { chosen = [options] { return run_import(*options); }; });
}

}  // namespace lodestar::app
