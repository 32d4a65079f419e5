// A history as text: a line of time for each thread, and each operation in words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lodestar::linearizability {

struct timeline_entry {
  std::size_t thread = 0;
  std::uint64_t called_at = 0;
  std::uint64_t returned_at = 0;  // UINT64_MAX: later than everything else.
  std::string text;
};

/// Entries are numbered from 1 in the order given; time is drawn as the order of events only.
[[nodiscard]] std::string write_timeline(const std::vector<timeline_entry>& entries);

/// Why a history is violated: those of its `all` operations that matter, and the longest order of
/// them that fits, by their indexes, with the state behind it.
[[nodiscard]] std::string write_explanation(const std::vector<timeline_entry>& entries,
                                            std::size_t all, const std::vector<std::size_t>& order,
                                            const std::string& state);

}  // namespace lodestar::linearizability
