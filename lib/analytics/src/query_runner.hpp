// Runs bound queries: a fixed number of threads, each with a DuckDB connection and its prepared
// statements.
//
// Two lanes, each bounded, are served in turn, so neither requests nor refresh rounds starve the
// others. A request is due at a time, waiting included; a round's job may take the query's deadline
// from the moment at which it runs: a round submits all its tiles at once, and its last one must
// not fail because there were many. Such a job waits at most for as long as those before it are
// allowed to run. A job that still waits at its deadline is answered by the timer, one that runs is
// interrupted (again and again, as DuckDB forgets an interrupt that comes before the statement
// begins).
//
// Thread-safety: all members may be called from any thread. `done` is called exactly once, without
// a lock held.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <lodestar/base/metrics.hpp>

#include "bound_query.hpp"
#include "database.hpp"
#include "tick.hpp"
#include "timer.hpp"

namespace lodestar::analytics {

/// A result as the cache takes it.
using query_outcome = swr::loaded<query_result_ptr>;

class query_runner {
 public:
  using handler = std::move_only_function<void(result<query_outcome>)>;

  struct limits {
    std::size_t connections;
    std::size_t waiting_queries_max;
    std::size_t result_bytes_max;
  };

  [[nodiscard]] static result<std::unique_ptr<query_runner>> open(
      const database& source, const limits& bounds, std::size_t queries, tick& state,
      timer& deadlines, const clock& time, metrics_registry& metrics);
  ~query_runner();

  /// Runs the query as of the position, or of applied() at the moment it starts when that is
  /// nothing.
  void request(std::shared_ptr<const bound_query::state> query, std::optional<std::int64_t> as_of,
               steady_time due, handler done);
  /// The same for a tile of a round.
  void refresh(std::shared_ptr<const bound_query::state> query, std::optional<std::int64_t> as_of,
               handler done);

  /// Answers what waits and what runs with cancelled, joins the threads.
  void stop();

 private:
  enum class lane : std::uint8_t { request, round };
  class session;
  struct job;
  using job_pointer = std::shared_ptr<job>;

  query_runner(const limits& bounds, tick& state, timer& deadlines, const clock& time,
               metrics_registry& metrics);
  void submit(job_pointer added);
  void run(session& own);
  [[nodiscard]] job_pointer next_job(session& own);
  [[nodiscard]] job_pointer pop();
  void execute(session& own, job& work);
  void on_deadline(const job_pointer& late);
  /// Under the mutex: interrupts the job if it runs; whether to come back.
  [[nodiscard]] bool interrupt_if_running(const job& work);

  const limits limits_;
  tick& tick_;
  timer& timer_;
  const clock& time_;
  histogram& duration_;
  counter& interrupted_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::array<std::deque<job_pointer>, 2> lanes_;
  std::size_t next_lane_ = 0;
  bool stopping_ = false;
  std::vector<std::unique_ptr<session>> sessions_;
  std::vector<std::thread> threads_;
};

}  // namespace lodestar::analytics
