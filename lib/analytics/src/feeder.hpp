// Moves the log into the tables: page by page, one DuckDB transaction each, then the tick.
//
// Order per page: rows are committed; under the tick mutex the dependencies move and `applied`
// advances; then `advanced` is called. A crash loses nothing, as the tables are in memory and built
// from the log at each start.
//
// The first failure of DuckDB ends the feeding: trying again would meet the same database in the
// same state. `applied` stays, so results stay true as of it; `failed` is told once. A log that
// cannot be read at present is asked again.
//
// Thread-safety: catch_up() and start() from one thread, in this order; failure() and stop() from
// any.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/log/event_log.hpp>

#include "event_table.hpp"
#include "payload_reader.hpp"
#include "table_compressor.hpp"
#include "tick.hpp"

namespace lodestar::analytics {

class feeder {
 public:
  static constexpr std::size_t page_events_max = 2000;
  /// Rows after which the tables are compressed: about 70 ms for a database of 3 million rows,
  /// during which the feeder stands and queries do not. Rows that are not compressed take 13 times
  /// the memory and 3 times the scan.
  static constexpr std::size_t compress_rows = 250'000;
  static constexpr milliseconds retry_delay{200};
  /// After a page of many events the feeder rests so many times as long as the page took, up to
  /// rest_max, to leave the cores to those who append: what arrives meanwhile shares the next
  /// transaction, whose fixed price is that of some hundred rows. It does not after a few events,
  /// for which somebody may be waiting, nor before the end of the log.
  static constexpr std::size_t rest_events_min = 32;
  static constexpr int rest_factor = 4;
  static constexpr milliseconds rest_max{10};

  struct listener {
    std::function<void(std::int64_t applied, bool more)>
        advanced;  ///< `more`: another page follows at once.
    std::function<void(const error&)> failed;
  };

  [[nodiscard]] static result<std::unique_ptr<feeder>> open(
      connection_handle connection, const std::vector<event_definition>& definitions,
      log::event_log& source, tick& state, const clock& time, metrics_registry& metrics);
  ~feeder();

  /// Applies what the log holds, on the calling thread.
  [[nodiscard]] result<void> catch_up();
  /// Follows the log from now on, on an own thread.
  void start(listener told);
  void stop();

  [[nodiscard]] std::optional<error> failure() const;

 private:
  struct target {
    const event_definition* definition;
    table_writer writer;
  };

  struct applied_page {
    std::size_t events;
    bool at_end;
  };

  feeder(connection_handle connection, log::event_log& source, tick& state, const clock& time,
         metrics_registry& metrics);
  void run();
  [[nodiscard]] bool wait_for_events();
  void rest_after(nanoseconds page_duration);
  void wait_to_retry(const error& reason);
  [[nodiscard]] result<applied_page> apply_page();
  [[nodiscard]] result<void> write_rows(const std::vector<log::event>& page);
  [[nodiscard]] result<void> append_row(const log::event& event);
  [[nodiscard]] result<void> flush_tables();
  void skip(const log::event& event, const error& reason);
  void move(const std::vector<log::event>& page);
  void fail_with(error reason);

  connection_handle connection_;
  log::event_log& log_;
  tick& tick_;
  const clock& time_;
  metrics_registry& metrics_;
  counter& applied_events_;
  gauge& applied_position_;
  histogram& page_duration_;

  std::map<std::string, target, std::less<>> targets_;  ///< By event type.
  payload_reader reader_;
  std::vector<cell> row_;
  std::set<std::string> reported_types_;  ///< Event types whose first bad event was logged.
  table_compressor compressor_;

  std::unique_ptr<log::tail_subscription> subscription_;
  listener told_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;     ///< There are events, or the end.
  std::condition_variable stopped_;  ///< The end; commits do not disturb who waits here.
  bool stopping_ = false;
  std::optional<error> failure_;
  std::thread thread_;
};

}  // namespace lodestar::analytics
