#include "config/problems.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lodestar/base/nearest.hpp>

namespace lodestar::app {

void problems::add(error what) {
  const bool known = std::ranges::any_of(errors_, [&](const error& other) {
    return other.place == what.place && other.message == what.message;
  });
  if (!known) errors_.push_back(std::move(what));
}

std::string suggest(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (const auto near = nearest(word, candidates); !near.empty())
    return fmt::format("did you mean \"{}\"?", near);
  if (candidates.empty()) return {};
  return fmt::format("one of: {}", fmt::join(candidates, ", "));
}

}  // namespace lodestar::app
