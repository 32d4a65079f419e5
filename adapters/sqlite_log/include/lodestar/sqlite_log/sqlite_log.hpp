// The event log in one SQLite file: WAL, synchronous=FULL, one writer connection on a thread of its
// own that also does every checkpoint, group commit of concurrent appends, append-only enforced by
// triggers in the file.
//
// The file belongs to this process: it is opened with an exclusive lock on `<file>.lock`, and no
// other copy of SQLite may open it (POSIX locks of one copy are cancelled by the close of another).
// docs/formats/event_log.md has the schema.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/log/event_log.hpp>

namespace lodestar::sqlite_log {

struct options {
  std::filesystem::path file;              ///< Created with its folder when missing.
  std::size_t queue_events_max = 200'000;  ///< Appends beyond that are refused with unavailable.
  std::size_t commit_events_max =
      10'000;  ///< Events of one transaction; a single larger batch is still one transaction.
  std::size_t readers_max = 4;               ///< Read-only connections kept open.
  std::size_t queue_bytes_max = 256U << 20;  ///< The same bound for the text of the waiting events.
  std::string vfs;  ///< For tests: the SQLite VFS to use; empty = the system's.
};

/// Opens or creates the log. An append that is refused without storage (invalid, too large, queue
/// full, closing) is answered on the caller's thread before append() returns; every other one on
/// the writer's thread. Destroying the log stores what is queued, checkpoints and closes; it must
/// not happen on a thread of the log. Errors: unavailable (another process has it open),
/// permission_denied, corrupt, unsupported (written by a newer version), storage_full.
[[nodiscard]] result<std::unique_ptr<log::event_log>> open(const options& settings, clock& time,
                                                           metrics_registry& metrics);

}  // namespace lodestar::sqlite_log
