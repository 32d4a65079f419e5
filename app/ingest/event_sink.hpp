// Where an import's events go: straight into a log, or to a running server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/log/event_log.hpp>

#include "ingest/event_batch.hpp"

namespace lodestar::app {

/// What has been stored so far.
struct stored_count {
  std::uint64_t stored = 0;      ///< New events that are durable.
  std::uint64_t duplicates = 0;  ///< Events whose id was stored before.
};

/// What became of everything that was handed over.
struct sink_outcome {
  stored_count count;
  std::optional<error> failure;  ///< The first one.
};

/// Not thread-safe. error::place names the event as its batch's places do.
class event_sink {
 public:
  virtual ~event_sink() = default;
  /// Hands a batch over; several may be under way, so that some behind a refused one may be stored.
  /// An error may be that of an earlier batch; this one was not taken then.
  [[nodiscard]] virtual result<void> put(event_batch batch) = 0;
  /// Waits until everything handed over is durable or refused.
  [[nodiscard]] virtual sink_outcome finish() = 0;
};

/// Appends to a log, some batches ahead.
[[nodiscard]] std::unique_ptr<event_sink> make_log_sink(log::event_log& log);
/// Posts to a server's /api/events, one batch after the other. A refusal has the server's code and
/// words; after one, the next batch may be put.
[[nodiscard]] result<std::unique_ptr<event_sink>> make_server_sink(const std::string& url);

/// The events as POST /api/events takes them, one a line.
[[nodiscard]] std::string to_ndjson(const std::vector<log::new_event>& batch);

}  // namespace lodestar::app
