// The command hit_ratio: which policies keep which share of which traces in the cache.
#pragma once

namespace lodestar::bench::hit_ratio {

/// Reads the command line, measures and prints; the exit code, exit_usage for wrong input.
[[nodiscard]] int run_command(int argc, const char* const* argv);

}  // namespace lodestar::bench::hit_ratio
