// Analytics: event tables in DuckDB fed from the log, named queries that run as of a position,
// cached results that know when they stop being true, and watches that are told of new ones.
//
// Order of events: the feeder commits rows to DuckDB, then moves the dependencies, then advances
// applied(); the last two in one step for anybody who looks through watch(). A query sees exactly
// the events up to its as_of position.
//
// Thread-safety: all members may be called from any thread. Handlers run on a thread of the service
// (or inline, on a hit); they must be short and may call back into the service. The log and the
// clock must outlive the service.
//
// Errors: not_found (query), invalid_argument (parameter: error::place is "parameter airport"; SQL:
// "queries/x.sql:3"), deadline_exceeded, cancelled, too_large (result_bytes_max), unavailable (too
// many waiting, shutting down), internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/analytics/query_result.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/hash.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/log/event_log.hpp>
#include <lodestar/swr/cache.hpp>

namespace lodestar::analytics {

struct options {
  std::filesystem::path
      project_folder;                 ///< Relative file names in history and table SQL start here.
  std::filesystem::path temp_folder;  ///< Where DuckDB may spill.
  std::size_t threads = 0;            ///< DuckDB's threads; 0 = one per core.
  std::size_t connections = 0;        ///< Queries that run at the same time; 0 = one per core.
  std::size_t waiting_queries_max = 10'000;
  std::int64_t memory_bytes_max = 0;         ///< DuckDB's limit; 0 = its default.
  std::size_t result_bytes_max = 64u << 20;  ///< Of each form: Arrow, JSON, CSV.
  std::size_t cache_bytes_max = 256u << 20;
  /// Where results are kept below the memory, also for the next process with the same log and
  /// tables; nothing: nowhere. Every computed result goes there: see tier_options::write_delay_ms.
  std::shared_ptr<swr::tiers> below = nullptr;
  /// Length of the steps in which a watch is refreshed, common to all watches: at most one round
  /// in each, and a pause between two that is as long as the first one took. A round begins at once
  /// when that allows it, else with a later step, together with the other watches that wait.
  std::int64_t round_interval_ms = 10;
};

using parameters = std::map<std::string, std::string, std::less<>>;

/// A query with checked parameters: its identity, and the nodes it depends on. A cheap value to
/// copy.
class bound_query {
 public:
  struct state;
  explicit bound_query(std::shared_ptr<const state> shared) : state_(std::move(shared)) {}
  [[nodiscard]] const query_definition& definition() const noexcept;
  /// 128-bit hash of the canonical (hash of the SQL, parameters, dependencies, format version).
  [[nodiscard]] const hash128& identity() const noexcept;
  /// The highest position at which something it depends on moved.
  [[nodiscard]] std::int64_t moved_at() const noexcept;
  [[nodiscard]] const state& internals() const noexcept { return *state_; }

 private:
  std::shared_ptr<const state> state_;
};

using query_answer = swr::answer<query_result_ptr>;
using query_handler = std::move_only_function<void(result<query_answer>)>;

/// The state of a watch after a round: every query's result (or error) is true at `position`.
struct watch_state {
  struct tile {
    query_result_ptr value;  ///< Null when the query failed and never succeeded.
    std::int64_t computed_at = 0;
    std::int64_t changed_at = 0;  ///< Position of the round in which its content last changed.
    std::optional<error>
        failure;  ///< Why the newest attempt failed; `value` is then the last good one.
  };
  std::int64_t position = 0;
  std::int64_t wall_us = 0;  ///< When the round began.
  std::vector<tile> tiles;   ///< In the order of the watched queries.
};

/// Ends the watch when destroyed; after that its callback does not run any more.
class watch {
 public:
  virtual ~watch() = default;
};

class service {
 public:
  /// Opens DuckDB, loads history and static tables, applies the log, prepares every query. An error
  /// in a query file is kept and answered to whoever asks for the query (see query_errors),
  /// everything else that is wrong fails the start.
  [[nodiscard]] static result<std::unique_ptr<service>> open(const options& settings,
                                                             std::vector<event_definition> events,
                                                             std::vector<table_definition> tables,
                                                             std::vector<query_definition> queries,
                                                             log::event_log& log, clock& time,
                                                             metrics_registry& metrics);
  virtual ~service() = default;

  [[nodiscard]] virtual const std::vector<query_definition>& queries() const noexcept = 0;
  /// The errors DuckDB reported when preparing the queries: place names file and line.
  [[nodiscard]] virtual std::vector<error> query_errors() const = 0;

  /// The names of the columns that a query returns. Nothing for a query that does not exist or
  /// cannot run, and when DuckDB knows them only with the values of its parameters.
  [[nodiscard]] virtual std::optional<std::vector<std::string>> columns_of(
      std::string_view query_name) const = 0;

  /// Why the tables do not follow the log any more; applied() then stays, and waiting for a later
  /// position fails.
  [[nodiscard]] virtual std::optional<error> feeder_error() const = 0;

  /// The position the event tables have reached.
  [[nodiscard]] virtual std::int64_t applied() const noexcept = 0;
  /// Calls `done` as soon as applied() >= position: at once, later, or with deadline_exceeded.
  virtual void when_applied(std::int64_t position, std::int64_t deadline_ms,
                            std::move_only_function<void(result<std::int64_t>)> done) = 0;

  /// Checks name and parameters; unknown parameters are errors.
  [[nodiscard]] virtual result<bound_query> bind(std::string_view name,
                                                 const parameters& values) = 0;

  /// The cached result when the demand allows, else one computation for everybody who asks. The
  /// query's deadline counts from this call: waiting for position_min and for a connection are
  /// included. In a round of a watch it counts from the moment at which DuckDB begins; who joins
  /// such a computation waits for it.
  virtual void get(const bound_query& query, const swr::demand& demand, query_handler done) = 0;
  /// The cached result if it meets the demand, without ever waiting; else get() is the next call,
  /// and counts the miss.
  [[nodiscard]] virtual std::optional<query_answer> get_cached(const bound_query& query,
                                                               const swr::demand& demand) = 0;
  /// The result as of a position from 0 (the history alone) to applied(); not cached.
  virtual void get_as_of(const bound_query& query, std::int64_t position, query_handler done) = 0;

  /// Watches queries as one page: `changed` gets the first state as soon as it is computed and a
  /// new one after each round. A round computes the queries of which something that they depend on
  /// moved, whose result is older than their fresh_ms (but not more often than once a second), or
  /// whose last attempt failed in a way that time can heal (is_retryable): these are tried again
  /// after 0.1 s, doubling up to 10 s. States come one after the other; their position never falls,
  /// and stays when no event came in between. At most one round of a watch runs at a time.
  [[nodiscard]] virtual std::unique_ptr<watch> start_watch(
      std::vector<bound_query> queries,
      std::function<void(std::shared_ptr<const watch_state>)> changed) = 0;

  /// Brings those metrics up to date that are not counted as it happens: the cache's. To be called
  /// before they are shown.
  virtual void update_metrics() = 0;

  /// Stops feeder, rounds and queries; waiting handlers get cancelled. Called by the destructor
  /// too. Not from a handler.
  virtual void stop() = 0;
};

}  // namespace lodestar::analytics
