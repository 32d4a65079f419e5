#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <lodestar/analytics/service.hpp>
#include <lodestar/base/logging.hpp>

#include "commands/commands.hpp"
#include "commands/empty_log.hpp"
#include "config/column_check.hpp"
#include "ingest/replay.hpp"

namespace lodestar::app {
namespace {

/// What DuckDB says of tables, history and queries, and what it says against the dashboards.
std::vector<error> check_analytics(const project& configuration) {
  empty_log log;
  metrics_registry metrics;
  analytics::options options;
  options.project_folder = configuration.folder;
  auto service = analytics::service::open(options, configuration.events, configuration.tables,
                                          configuration.queries, log, system_clock(), metrics);
  if (!service) return {service.error()};
  auto wrong = (*service)->query_errors();
  const auto wrong_columns = check_columns(configuration, **service);
  wrong.insert(wrong.end(), wrong_columns.all().begin(), wrong_columns.all().end());
  return wrong;
}

void check_demo(const project& configuration, std::vector<error>& wrong) {
  if (!configuration.demo) return;
  const auto checked =
      check_recording({configuration.demo->events_sql, configuration.folder, {}, 1});
  if (checked) return;
  wrong.push_back(checked.error());
  wrong.back().place = configuration.demo->place;
}

/// Everything that can be wrong without serving.
int check(const project_options& options, bool print) {
  auto configuration = load_or_explain(options);
  if (!configuration) return exit_usage;
  if (print) fmt::print("{}", configuration->settings.describe());
  set_log_level(log_level::warning);
  auto wrong = check_analytics(*configuration);
  check_demo(*configuration, wrong);
  for (const auto& what : wrong) print_error(what);
  if (!wrong.empty()) return exit_usage;
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
