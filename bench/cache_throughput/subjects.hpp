// Who takes part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cache_throughput/key_sequence.hpp"
#include "cache_throughput/subject.hpp"

namespace lodestar::bench {

enum class role : std::uint8_t {
  lodestar,
  variant,  ///< Lodestar again, with an option: shows what the option costs.
  peer,
};

struct participant {
  role is;
  std::unique_ptr<subject> runs;
};

struct participants {
  std::vector<participant> all;
  /// "NAME: why, and how to get it".
  std::vector<std::string> left_out;
};

/// Lodestar first, then the caches in C++.
void add_cpp_subjects(participants& out, const key_numbers& numbers);
/// What the options of Lodestar's cache cost.
void add_lodestar_variants(participants& out, const key_numbers& numbers);
/// The programs in `folder` that scripts/bench-peers has built.
void add_peer_processes(participants& out, const std::filesystem::path& folder,
                        const std::filesystem::path& keys);

}  // namespace lodestar::bench
