#include <CLI/CLI.hpp>

#include "commands/commands.hpp"

int main(int argc, char** argv) {
  namespace app = lodestar::app;
  CLI::App root("Lodestar turns a stream of events into live analytics on one machine.",
                "lodestar");
  root.require_subcommand(1);
  root.set_version_flag("--version", std::string("lodestar ") + LODESTAR_VERSION);
  app::chosen_command chosen;
  app::add_serve(root, chosen);
  app::add_demo(root, chosen);
  app::add_import(root, chosen);
  app::add_check(root, chosen);
  app::add_version(root, chosen);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& failure) {
    return root.exit(failure) == 0 ? app::exit_done : app::exit_usage;
  }
  return chosen();
}
