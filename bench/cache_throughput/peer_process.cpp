#include "cache_throughput/peer_process.hpp"

#include <fmt/format.h>

#include <sstream>

namespace lodestar::bench {
namespace {

result<std::string> next_line(child_process& process, const peer_command& asked,
                              std::chrono::milliseconds timeout) {
  auto line = process.read_line(timeout);
  if (line) return *std::move(line);
  return fail(error_code::unavailable,
              fmt::format("it ended, or said nothing for {:.1f} s",
                          static_cast<double>(timeout.count()) / 1e3),
              asked.program.string(),
              "its own message stands above; scripts/bench-peers builds it anew");
}

}  // namespace

result<cell_result> parse_answer(std::string_view line, std::string_view place) {
  std::istringstream words{std::string(line)};
  cell_result parsed;
  words >> parsed.reads >> parsed.writes >> parsed.hits >> parsed.seconds;
  std::string more;
  if (words.fail() || words >> more || parsed.seconds <= 0)
    return fail(error_code::corrupt, fmt::format("\"{}\" is no answer", line), std::string(place),
                "four numbers are: reads, writes, hits, seconds; scripts/bench-peers builds the "
                "peers that belong to this benchmark");
  return parsed;
}

peer_process::peer_process(const peer_command& wanted, std::string version,
                           std::unique_ptr<child_process> started)
    : subject(wanted.name, std::move(version)), command_(wanted), process_(std::move(started)) {}

result<std::unique_ptr<peer_process>> peer_process::start(const peer_command& wanted) {
  auto process = std::make_unique<child_process>(
      std::vector<std::string>{wanted.program, "--keys", wanted.keys, "--capacity",
                               std::to_string(capacity_entries)},
      child_streams{.input = true});
  auto version = next_line(*process, wanted, wanted.patience);
  if (!version) return std::unexpected(std::move(version).error());
  // The constructor is private.
  return std::unique_ptr<peer_process>(
      new peer_process(wanted, *std::move(version), std::move(process)));
}

result<cell_result> peer_process::run(const cell& wanted) {
  const std::string line = fmt::format("run {} {} {}\n", wanted.group.readers, wanted.group.writers,
                                       wanted.duration.count());
  // When it is gone, the missing answer says so.
  static_cast<void>(process_->write(line));
  const auto answer = next_line(*process_, command_, wanted.duration + command_.patience);
  if (!answer) return std::unexpected(answer.error());
  return parse_answer(*answer, command_.program.string());
}

}  // namespace lodestar::bench
