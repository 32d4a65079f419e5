#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <lodestar/analytics/service.hpp>
#include <lodestar/base/logging.hpp>

#include "commands/commands.hpp"
#include "commands/empty_log.hpp"
#include "config/column_check.hpp"

namespace lodestar::app {
namespace {

/// Everything that can be wrong without serving: files, and what DuckDB says of tables, history and
/// queries.
int check(const project_options& options, bool print) {
  auto configuration = load_or_explain(options);
  if (!configuration) return exit_usage;
  if (print) fmt::print("{}", configuration->settings.describe());
  set_log_level(log_level::warning);
  empty_log log;
  metrics_registry metrics;
  analytics::options analytics_options;
  analytics_options.project_folder = configuration->folder;
  auto service =
      analytics::service::open(analytics_options, configuration->events, configuration->tables,
                               configuration->queries, log, system_clock(), metrics);
  if (!service) {
    print_error(service.error());
    return exit_usage;
  }
  const auto broken_queries = (*service)->query_errors();
  const auto wrong_columns = check_columns(*configuration, **service);
  for (const auto& what : broken_queries) print_error(what);
  for (const auto& what : wrong_columns.all()) print_error(what);
  if (!broken_queries.empty() || !wrong_columns.empty()) return exit_usage;
  fmt::print("{}: {} event types, {} tables, {} queries, {} dashboards: no problem found\n",
             configuration->name, configuration->events.size(), configuration->tables.size(),
             configuration->queries.size(), configuration->dashboards.size());
  return exit_done;
}

}  // namespace

void add_check(CLI::App& root, chosen_command& chosen) {
  auto* command =
      root.add_subcommand("check", "check a project's files and SQL without serving it");
  command->footer("Example:\n  lodestar check --project examples/flights --print");
  auto options = std::make_shared<project_options>();
  auto print = std::make_shared<bool>(false);
  add_project_options(*command, *options);
  command->add_flag("--print", *print, "print the effective settings and where each came from");
  command->callback(
      [&chosen, options, print] { chosen = [options, print] { return check(*options, *print); }; });
}

}  // namespace lodestar::app
