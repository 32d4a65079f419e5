#include "support/arguments.hpp"

#include <CLI/CLI.hpp>

namespace lodestar::bench {

void add_options(CLI::App& command, arguments& given) {
  command.add_option("--json", given.json, "file to write the rows to")->type_name("FILE");
  command.add_option("--only", given.only, "only the cases whose name contains this")
      ->type_name("TEXT");
  command.add_flag("--quick", given.quick, "a run of seconds that shows that it works");
}

std::optional<int> parse(CLI::App& command, int argc, const char* const* argv) {
  try {
    command.parse(argc, argv);
  } catch (const CLI::ParseError& stopped) {
    return command.exit(stopped) == 0 ? exit_done : exit_usage;
  }
  return std::nullopt;
}

}  // namespace lodestar::bench
