// The command line of a benchmark: what all of them understand, and the exit code after a mistake.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace lodestar::bench {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

struct arguments {
  std::string json;    ///< File to write, or empty.
  std::string only;    ///< Only the cases whose name contains this.
  bool quick = false;  ///< A run of seconds that shows that it works; its figures mean nothing.

  [[nodiscard]] bool wants(std::string_view name) const { return name.contains(only); }
};

/// Adds --json, --only and --quick to a command. `given` must outlive it.
void add_options(CLI::App& command, arguments& given);

/// Reads the command line. The exit code when the program ends here: exit_done after --help,
/// exit_usage after a mistake, which is printed.
[[nodiscard]] std::optional<int> parse(CLI::App& command, int argc, const char* const* argv);

}  // namespace lodestar::bench
