#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "commands/commands.hpp"
#include "ingest/replay.hpp"

namespace lodestar::app {
namespace {

struct demo_options {
  project_options project;
  std::int64_t speed = 0;
};

int demo(demo_options options) {
  const auto configuration = load_or_explain(options.project);
  if (!configuration) return exit_usage;
  if (!configuration->demo) {
    print_error({error_code::invalid_argument, "the project has no [demo]", "lodestar.toml",
                 "add [demo] with events_sql"});
    return exit_usage;
  }
  if (options.speed == 0) options.speed = configuration->demo->speed;
  return run_server(*configuration, [&](application& running, stop_signal& stop) {
    fmt::print("Lodestar shows {} on {}  (Ctrl-C ends it)\n", configuration->title, running.url());
    fmt::print("The demo replays its events at {} times their speed.\n", options.speed);
    std::fflush(stdout);
    const replay events(
        {configuration->demo->events_sql, configuration->folder, running.url(), options.speed},
        system_clock());
    stop.wait();
  });
}

}  // namespace

void add_demo(CLI::App& root, chosen_command& chosen) {
  auto* command = root.add_subcommand(
      "demo", "serve a project and replay its demo events as if they happened now");
  command->footer(
      "Example:\n  lodestar demo --project examples/flights --listen 127.0.0.1:8080 --data "
      "data/demo --speed 600");
  auto options = std::make_shared<demo_options>();
  options->project.folder = "examples/flights";
  add_project_options(*command, options->project);
  command
      ->add_option("--speed", options->speed,
                   "how many times faster than the recorded times; default: the project's")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  command->callback([&chosen, options] { chosen = [options] { return demo(*options); }; });
}

}  // namespace lodestar::app
