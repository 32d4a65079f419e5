#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "commands/commands.hpp"

namespace lodestar::app {
namespace {

int serve(const project_options& options) {
  const auto configuration = load_or_explain(options);
  if (!configuration) return exit_usage;
  return run_server(*configuration, [&](application& running, stop_signal& stop) {
    fmt::print("Lodestar serves {} on {}  (Ctrl-C ends it)\n", configuration->title, running.url());
    std::fflush(stdout);
    stop.wait();
  });
}

}  // namespace

void add_serve(CLI::App& root, chosen_command& chosen) {
  auto* command =
      root.add_subcommand("serve", "serve a project: dashboards, queries and events over HTTP");
  command->footer(
      "Example:\n  lodestar serve --project my-project --listen 127.0.0.1:8080 --data data");
  auto options = std::make_shared<project_options>();
  add_project_options(*command, *options);
  command->callback([&chosen, options] { chosen = [options] { return serve(*options); }; });
}

void add_version(CLI::App& root, chosen_command& chosen) {
  auto* command = root.add_subcommand("version", "print the version");
  command->callback([&chosen] {
    chosen = [] {
      fmt::print("lodestar {}\n", LODESTAR_VERSION);
      return exit_done;
    };
  });
}

}  // namespace lodestar::app
