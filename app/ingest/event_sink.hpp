// Where an import's events go: straight into a log, or to a running server.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <lodestar/log/event_log.hpp>

namespace lodestar::app {

/// What has been stored so far.
struct stored_count {
  std::uint64_t stored = 0;      ///< New events that are durable.
  std::uint64_t duplicates = 0;  ///< Events whose id was stored before.
};

/// Not thread-safe.
class event_sink {
 public:
  virtual ~event_sink() = default;
  /// Hands a batch over; several may be under way. An error is that of an earlier batch: nothing
  /// after it was taken.
  [[nodiscard]] virtual result<void> put(std::vector<log::new_event> batch) = 0;
  /// Waits until everything handed over is durable.
  [[nodiscard]] virtual result<stored_count> finish() = 0;
};

/// Appends to a log, some batches ahead.
[[nodiscard]] std::unique_ptr<event_sink> make_log_sink(log::event_log& log);
/// Posts to a server's /api/events.
[[nodiscard]] result<std::unique_ptr<event_sink>> make_server_sink(const std::string& url);

/// The events as POST /api/events takes them, one a line.
[[nodiscard]] std::string to_ndjson(const std::vector<log::new_event>& batch);

}  // namespace lodestar::app
