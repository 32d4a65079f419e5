#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <lodestar/base/logging.hpp>

#include "commands/commands.hpp"

namespace lodestar::app {
namespace {

log_level level_named(const std::string& name) {
  if (name == "debug") return log_level::debug;
  if (name == "warning") return log_level::warning;
  if (name == "error") return log_level::error;
  if (name == "off") return log_level::off;
  return log_level::info;
}

std::string flag_of(std::string_view key) {
  std::string flag = "--";
  for (const char character : key) flag += character == '.' || character == '_' ? '-' : character;
  return flag;
}

}  // namespace

void add_project_options(CLI::App& command, project_options& options) {
  command.add_option("--project,-p", options.folder, "folder of the project (lodestar.toml)")
      ->capture_default_str();
  for (const auto& setting : setting_descriptions()) {
    std::string names = flag_of(setting.key);
    if (setting.key == "server.listen") names = "--listen," + names;
    if (setting.key == "store.data_folder") names = "--data," + names;
    command
        .add_option_function<std::string>(
            names,
            [&options, key = std::string(setting.key)](const std::string& value) {
              options.flags.insert_or_assign(key, value);
            },
            fmt::format("{} ({})", setting.help, environment_name(setting.key)))
        ->type_name(setting.text != nullptr ? "TEXT" : "NUMBER")
        ->group("Settings");
  }
}

std::optional<project> load_or_explain(const project_options& options) {
  problems found;
  auto loaded = load_project(options.folder, options.flags, found);
  for (const auto& what : found.all()) print_error(what);
  if (!found.empty()) return std::nullopt;
  set_log_level(level_named(loaded.settings.values.log_level));
  return loaded;
}

void print_error(const error& what) {
  fmt::print(stderr, "error: {}{}{}\n", what.place, what.place.empty() ? "" : ": ", what.message);
  if (!what.hint.empty()) fmt::print(stderr, "  hint: {}\n", what.hint);
}

int run_server(const project& configuration,
               const std::function<void(application&, stop_signal&)>& meanwhile) {
  stop_signal stop;
  auto running = application::start(configuration, system_clock());
  if (!running) {
    print_error(running.error());
    return exit_usage;
  }
  stop.started();
  meanwhile(**running, stop);
  (*running)->stop();
  return exit_done;
}

}  // namespace lodestar::app
