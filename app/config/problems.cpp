#include "config/problems.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lodestar/base/nearest.hpp>

namespace lodestar::app {

std::string suggest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (const auto near = nearest(word, candidates); !near.empty())
    return fmt::format("did you mean \"{}\"?", near);
  if (candidates.empty()) return {};
  return fmt::format("one of: {}", fmt::join(candidates, ", "));
}

}  // namespace lodestar::app
