// Events on their way from a source to a sink, and where each stands in its file, so that whoever
// refuses one later can still be told apart by line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/log/event.hpp>

namespace lodestar::app {

/// Turns an event's index in a batch back into its place.
struct batch_places {
  std::string prefix{};                  ///< "orders.csv:"; empty: the events are of no file.
  std::vector<std::uint64_t> numbers{};  ///< Line or row of each event.

  /// The error of a log or server with "events[3]" or "events[3] (line 4)" in front of its place
  /// replaced by the place in the file.
  [[nodiscard]] error name(error failure) const;
};

struct event_batch {
  std::vector<log::new_event> events{};
  batch_places places{};
};

}  // namespace lodestar::app
