#include <array>

#include "cache_throughput/peer_process.hpp"
#include "cache_throughput/subjects.hpp"

namespace lodestar::bench {
namespace {

struct peer {
  const char* name;
  const char* toolchain;
  bool compiled_while_running;
};

constexpr std::array peers = {
    peer{"caffeine", "a JDK (11 or later) and Maven", true},
    peer{"quick_cache", "cargo", false},
    peer{"moka", "cargo", false},
    peer{"otter", "Go (1.24 or later)", false},
};

std::string how_to_get(const peer& wanted, const std::filesystem::path& program) {
  return fmt::format("{}: {} is not there; scripts/bench-peers builds it with {}", wanted.name,
                     program.string(), wanted.toolchain);
}

}  // namespace

void add_peer_processes(participants& out, const std::filesystem::path& folder,
                        const std::filesystem::path& keys) {
  for (const auto& each : peers) {
    const auto program = folder / each.name;
    if (!std::filesystem::exists(program)) {
      out.left_out.push_back(how_to_get(each, program));
      continue;
    }
    auto started = peer_process::start({.name = each.name,
                                        .program = program,
                                        .keys = keys,
                                        .compiled_while_running = each.compiled_while_running});
    if (started) {
      out.all.push_back({role::peer, *std::move(started)});
    } else {
      out.left_out.push_back(fmt::format("{}: {}", each.name, started.error().describe()));
    }
  }
}

}  // namespace lodestar::bench
