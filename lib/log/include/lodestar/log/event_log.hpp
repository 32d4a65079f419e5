// The port of the event log: the one truth of the system.
//
// Append is durable when it is acknowledged. A batch is stored whole or not at all. Positions are
// gapless in commit order. An event id is stored once: the same id with the same content again
// answers the first position
// (`duplicate`), with other content it is error_code::already_exists. Nothing that is stored
// changes or disappears.
//
// Thread-safety: every member may be called from any thread. Callbacks run on a thread of the log,
// or, when an append is refused or empty, inside of append(): they must be short, must not call
// back into append_and_wait, and the caller of append() must hold no lock that they take.
//
// Errors: already_exists, conflict (expected version; the message names the actual one),
// invalid_argument, too_large, storage_full, unavailable (the store is poisoned by an I/O error, or
// the queue is full), cancelled (closing), corrupt, internal. error::place is "events[i]" for the
// event that was refused.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/log/event.hpp>

namespace lodestar::log {

struct appended {
  position at = 0;
  version stream_version = 0;
  bool duplicate = false;  ///< The id was stored before; `at` is where.
  friend bool operator==(const appended&, const appended&) = default;
};

using append_handler = std::move_only_function<void(result<std::vector<appended>>)>;

/// Which events a read returns, in order of position.
struct read_filter {
  position after = 0;               ///< Exclusive.
  std::string aggregate_type = {};  ///< Empty = all.
  std::string aggregate_id = {};    ///< Empty = all; needs aggregate_type.
  std::string event_type = {};      ///< Empty = all.
  std::size_t events_max = 1000;
  /// The page ends with the event whose texts reach this; so it always holds one, if there is one.
  std::size_t bytes_max = std::size_t{16} << 20;
};

/// A part of what a filter means. Whoever wants the rest reads on after `through`, until `at_end`:
/// a page may be short, even empty, before the end, because what a read looks at is bounded.
struct read_page {
  std::vector<event> events;  ///< In order of position.
  position through = 0;       ///< Up to here nothing is left out.
  bool at_end = false;        ///< `through` was the end of the log when it was read.
};

/// Ends a subscription when destroyed; after the destructor returned, the callback does not run any
/// more.
class tail_subscription {
 public:
  virtual ~tail_subscription() = default;
};

class event_log {
 public:
  virtual ~event_log() = default;

  /// Stores the batch; `done` is called exactly once, after it is durable or refused. Concurrent
  /// appends share one commit. An empty batch answers an empty list.
  virtual void append(std::vector<new_event> batch, append_handler done) = 0;

  /// The same, waiting for the answer.
  [[nodiscard]] result<std::vector<appended>> append_and_wait(std::vector<new_event> batch);

  /// The first of the events that fit the filter.
  [[nodiscard]] virtual result<read_page> read(const read_filter& filter) = 0;

  /// The position of the last durable event, 0 for an empty log. Never waits.
  [[nodiscard]] virtual position last_position() const noexcept = 0;

  /// The version of a stream, 0 when it has no event.
  [[nodiscard]] virtual result<version> stream_version(const std::string& aggregate_type,
                                                       const std::string& aggregate_id) = 0;

  /// Calls `wake(last_position)` after each commit, from when this returns until the subscription
  /// is destroyed. A wake-up says "there is more", not what: read the log from your own position.
  /// Subscribe before you read.
  [[nodiscard]] virtual std::unique_ptr<tail_subscription> subscribe(
      std::function<void(position)> wake) = 0;
};

}  // namespace lodestar::log
