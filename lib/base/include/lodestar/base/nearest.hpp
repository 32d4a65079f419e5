// The name that somebody who mistyped one probably meant. A pure function.
#pragma once

#include <string_view>
#include <vector>

namespace lodestar {

/// The candidate with the fewest insertions, deletions and replacements from `word`, the first of
/// equals; empty when none is near. It points into the candidate.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string_view>& candidates);

}  // namespace lodestar
