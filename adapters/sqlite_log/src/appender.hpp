// One open writer connection with its statements: transactions of batches, checkpoints.
//
// Not thread-safe: it belongs to the writer's thread. Invariants while a transaction is open:
//   1. last_ is the highest position in the connection's view; positions are last_ + 1, + 2, …
//   2. heads_ holds for each stream it knows the version in the connection's view; what a rollback
//   takes back is
//      forgotten there.
// There are no savepoints: SQLite keeps a journal in memory for them that it walks at each insert,
// which made batches of 10,000 events twenty times slower. When a storage failure was returned,
// only roll_back() may follow; when that fails, the appender must be replaced.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/log/event_log.hpp>

#include "database.hpp"
#include "settings.hpp"
#include "stream_heads.hpp"

namespace lodestar::sqlite_log {

using append_answer = result<std::vector<log::appended>>;

struct checkpoint_progress {
  int wal_pages = 0;
  int done_pages = 0;
};

/// What became of a batch inside the transaction.
enum class applied : std::uint8_t {
  whole,    ///< Stored, or repeats only.
  nothing,  ///< Refused before anything of it was stored.
  partly,   ///< Refused, but some of it is in the transaction, which must be rolled back.
};

class appender {
 public:
  /// Opens the file, creates the schema in a new one, verifies the newest positions.
  [[nodiscard]] static result<std::unique_ptr<appender>> open(const settings& how, clock& time);

  appender(const appender&) = delete;
  appender& operator=(const appender&) = delete;

  [[nodiscard]] result<void> begin();
  /// Stores the batch, or refuses it in `answer` (conflict, already_exists). An error is a storage
  /// failure, which concerns the whole transaction.
  [[nodiscard]] result<applied> apply(std::span<const log::new_event> batch, append_answer& answer);
  [[nodiscard]] result<void> commit();
  [[nodiscard]] result<void> roll_back();
  [[nodiscard]] result<checkpoint_progress> checkpoint(int mode);

  [[nodiscard]] log::position last_position() const noexcept { return last_; }
  /// Pages in the WAL after the last commit.
  [[nodiscard]] int wal_pages() const noexcept { return wal_pages_; }

 private:
  appender(connection opened, clock& time, std::size_t stream_heads_max)
      : database_(std::move(opened)), time_(time), heads_(stream_heads_max) {}

  [[nodiscard]] result<void> prepare();
  [[nodiscard]] append_answer store_all(std::span<const log::new_event> batch);
  [[nodiscard]] result<log::appended> store(const log::new_event& event,
                                            std::int64_t recorded_at_us);
  [[nodiscard]] result<log::version*> head_of(const log::new_event& event);
  [[nodiscard]] int insert(const log::new_event& event, log::version version,
                           std::int64_t recorded_at_us);
  [[nodiscard]] result<log::appended> answer_existing(const log::new_event& event, error otherwise);

  connection database_;
  clock& time_;
  statement begin_, commit_, rollback_, insert_, find_event_, find_head_;
  stream_heads heads_;
  log::position last_ = 0;
  log::position last_committed_ = 0;
  int wal_pages_ = 0;
};

}  // namespace lodestar::sqlite_log
