// The commands of the binary. Each adds itself to the command line and says what runs when it was
// chosen.
//
// Exit codes: 0 done, 1 failed while working, 2 wrong usage, configuration or surroundings (port,
// folder).
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "application.hpp"
#include "commands/stop_signal.hpp"
#include "config/project.hpp"

namespace CLI {
class App;
}

namespace lodestar::app {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

/// Set by the command that was chosen; main runs it and exits with what it returns.
using chosen_command = std::function<int()>;

void add_serve(CLI::App& root, chosen_command& chosen);
void add_demo(CLI::App& root, chosen_command& chosen);
void add_import(CLI::App& root, chosen_command& chosen);
void add_check(CLI::App& root, chosen_command& chosen);
void add_version(CLI::App& root, chosen_command& chosen);

/// The options that every command with a project has: --project, --listen, --data and one flag per
/// setting.
struct project_options {
  std::string folder = ".";
  setting_flags flags;
};
void add_project_options(CLI::App& command, project_options& options);

/// Loads the project; when something is wrong, prints every problem and returns nothing.
[[nodiscard]] std::optional<project> load_or_explain(const project_options& options);

/// "error: place: message" and the hint on a line of its own.
void print_error(const error& what);

/// Starts the project's server, calls `meanwhile`, which is to return when the stop signal has
/// come, and stops the server. The exit code.
[[nodiscard]] int run_server(const project& configuration,
                             const std::function<void(application&, stop_signal&)>& meanwhile);

}  // namespace lodestar::app
