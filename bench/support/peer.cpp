#include "support/peer.hpp"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

#include "support/files.hpp"

namespace lodestar::bench {

std::unique_ptr<peer> peer::start(report& out, const std::string& name,
                                  const std::vector<std::string>& options) {
  const auto program = source_folder() / "build/peers/bin" / name;
  if (!std::filesystem::exists(program)) {
    out.note(fmt::format("left out: {}: {} is not there; scripts/bench-peers builds it", name,
                         program.string()));
    return nullptr;
  }
  std::vector<std::string> command = {program};
  command.insert(command.end(), options.begin(), options.end());
  // The constructor is private.
  std::unique_ptr<peer> started(new peer(command));
  out.note("peer: " + started->next_line());
  return started;
}

peer::peer(const std::vector<std::string>& command)
    : program_(command.front()), process_(command, {.input = true}) {}

std::string peer::next_line() {
  auto line = process_.read_line(std::chrono::minutes(1));
  if (!line) throw std::runtime_error(program_ + ": it ended, or said nothing for a minute");
  return *std::move(line);
}

double peer::ask(std::string_view request) {
  // When it is gone, the missing answer says so.
  static_cast<void>(process_.write(fmt::format("{}\n", request)));
  const std::string line = next_line();
  double number = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), number);
  if (read.ec != std::errc() || read.ptr != line.data() + line.size())
    throw std::runtime_error(fmt::format("{}: \"{}\" is no number", program_, line));
  return number;
}

}  // namespace lodestar::bench
