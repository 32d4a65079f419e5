// The options of the public header plus what only tests change.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <lodestar/sqlite_log/sqlite_log.hpp>

namespace lodestar::sqlite_log {

struct settings {
  options user;
  /// NORMAL exists for the canary of the crash tests: it must lose acknowledged events.
  std::string synchronous = "FULL";
  /// Size of the WAL at which the writer checkpoints under load: 16 MB. The file keeps that size
  /// and is overwritten from its start, which syncs several times faster than growing it.
  int checkpoint_pages = 4000;
  /// How long the writer waits for work before it checkpoints whatever is in the WAL.
  milliseconds idle_before_checkpoint{1000};
  std::size_t stream_heads_max = 200'000;
  /// How many positions one filtered read looks at: a type that never occurs answers within about
  /// a second.
  log::position scan_positions_max = 1'000'000;
};

[[nodiscard]] result<std::unique_ptr<log::event_log>> open_with(const settings& how, clock& time,
                                                                metrics_registry& metrics);

}  // namespace lodestar::sqlite_log
