// The commands of the binary. Each adds itself to the command line and says what runs when it was
// chosen.
//
// Exit codes: 0 done, 1 failed while working, 2 wrong usage, configuration or surroundings (port,
// folder).
#pragma once

#include <filesystem>
#include <functional>
#include <string>

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

/// Makes SIGINT and SIGTERM wait for wait_for_stop_signal() in this and every later thread, and
/// ignores SIGPIPE and SIGXFSZ, whose defaults would end the process at a closed socket or a full
/// file.
void prepare_signals();
void wait_for_stop_signal();

}  // namespace lodestar::app
