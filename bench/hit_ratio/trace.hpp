// A recorded or generated sequence of keys, one per access. Values; nothing here is synchronised,
// and a finished trace may be read from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lodestar::bench::hit_ratio {

/// 12 bytes of memory each; positions fit into 32 bits.
inline constexpr std::size_t accesses_max = 1'000'000'000;

using key_sequence = std::vector<std::uint64_t>;

struct trace {
  std::string name;
  key_sequence keys;
  /// The same accesses with keys renumbered to 0, 1, 2 … in the order of their first appearance:
  /// with them the state of a policy is arrays instead of hash tables.
  std::vector<std::uint32_t> numbers;
  std::size_t unique_keys = 0;
};

/// Numbers the keys, of which there are accesses_max at most.
[[nodiscard]] trace make_trace(std::string name, key_sequence keys);

}  // namespace lodestar::bench::hit_ratio
