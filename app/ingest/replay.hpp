// Plays recorded events back through a server's POST /api/events, at a multiple of the speed at
// which they happened.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>

#include "ingest/event_sink.hpp"

namespace lodestar::app {

struct replay_options {
  /// SELECT event_id, aggregate_type, aggregate_id, event_type, event_time, payload in the order of
  /// event_time.
  std::string events_sql;
  std::filesystem::path folder;  ///< Relative file names in the SQL start here.
  std::string server_url;
  std::int64_t speed = 1;
};

/// Begins the SELECT: whether it runs and has the columns that a replay needs.
[[nodiscard]] result<void> check_recording(const replay_options& options);

/// Runs on a thread of its own until the events end, an error occurs (logged) or it is destroyed. A
/// refusal that may pass (a full disk, a server that is busy) is no such error: the same events are
/// sent again, after 0.1 s, then after longer pauses up to 5 s.
/// Events that the server has already are passed over at full speed, so a replay goes on where an
/// earlier one stopped.
class replay {
 public:
  replay(replay_options options, clock& time);
  ~replay();

 private:
  void run();
  [[nodiscard]] result<void> play();
  /// Returns without an error also when the replay is to end.
  [[nodiscard]] result<void> put_until_taken(event_sink& sink, const event_batch& batch);
  /// Waits; false when the replay is to end.
  [[nodiscard]] bool wait_until(steady_time when);

  replay_options options_;
  clock& time_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lodestar::app
