// Watches: rounds of refreshes, each as of one position.
//
// A tile is due when something it depends on moved, when its last attempt failed in a way that time
// can heal and its back-off is over, or when its result has passed the query's fresh_ms.
//
// Invariants of a watch:
//   1. At most one round runs; the callback runs inside the round, so states come one after the
//   other.
//   2. A round picks its position and reads what moved under the tick mutex: a query that it leaves
//   out has not moved
//      up to that position, so its last result is true there.
//   3. A query is computed exactly as of the round's position (or taken from the cache if it is
//   true there).
//
// All watches that are due begin at the same position, and a round that has to wait begins on a
// grid that is common to all: so pages that show the same query share its computations also while
// events keep coming.
//
// The first round of a watch begins inside start(), all others on the timer's thread, never on the
// feeder's: many watches must not slow down the feeding.
//
// Thread-safety: all members may be called from any thread. A watch may outlive the service; it is
// then silent. Locks are taken in the order tick mutex, watch_core's mutex, watch_registry's mutex.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <lodestar/analytics/service.hpp>
#include <lodestar/swr/backoff.hpp>

#include "tick.hpp"
#include "timer.hpp"

namespace lodestar::analytics {

/// What watches need of the service.
struct watch_host {
  tick& state;
  timer& schedule;
  const clock& time;
  milliseconds round_interval;
  counter& rounds;
  /// The query's result at exactly this position; never throws, calls back once.
  std::function<void(const bound_query& query, std::int64_t position, query_handler done)> compute;
};

/// The moment at which rounds begin.
struct round_start {
  std::int64_t position;
  steady_time now;
  std::int64_t wall_us;
};

class watch_core : public std::enable_shared_from_this<watch_core> {
 public:
  using callback = std::function<void(std::shared_ptr<const watch_state>)>;
  using tile_indices = std::vector<std::size_t>;
  /// Asks for a scan at a time.
  using look_function = std::function<void(steady_time)>;

  /// A query with a shorter fresh_ms is computed so often for its age: who writes 0 means "ask the
  /// database each time", not "all the time".
  static constexpr std::int64_t expiry_ms_min = 1000;

  watch_core(watch_host& host, std::vector<bound_query> queries, callback changed,
             look_function look_at);

  /// Under the tick mutex: takes part in what begins now, if something is due and the interval
  /// allows it; run() with the tiles must follow. Else lowers `look_at` to the time at which it
  /// wants to be asked again.
  [[nodiscard]] std::optional<tile_indices> join(const round_start& start, steady_time& look_at);
  void run(const tile_indices& picked);
  /// After this the callback does not run any more; waits for one that runs, unless it is called
  /// from inside it.
  void close();

 private:
  struct tile {
    bound_query query;
    watch_state::tile shown;
    std::int64_t attempted_at = -1;           ///< Position of the last round that computed it.
    steady_time due_at = steady_time::max();  ///< When it is due although nothing moved.
    swr::backoff retry;
  };

  [[nodiscard]] bool is_due(const tile& each, steady_time now) const;
  /// When a round may begin and has something to do.
  [[nodiscard]] steady_time next_round_at() const;
  [[nodiscard]] steady_time first_due_at() const;
  /// A round rests as long as it took: a page over large tables leaves half of the machine to
  /// everybody else.
  [[nodiscard]] steady_time rested_at() const;
  [[nodiscard]] steady_time grid_before(steady_time time) const;
  [[nodiscard]] steady_time grid_after(steady_time time) const;
  void take(std::size_t index, result<query_answer> outcome);
  static void plan_next(tile& done, const result<query_answer>& outcome, steady_time now);
  static void update(watch_state::tile& shown, result<query_answer> outcome, std::int64_t position);
  void finish_round();
  [[nodiscard]] std::shared_ptr<const watch_state> make_state() const;

  watch_host& host_;
  const callback changed_;
  const look_function look_at_;

  std::mutex mutex_;
  std::condition_variable delivered_;
  std::vector<tile> tiles_;
  bool closed_ = false;
  bool round_running_ = false;
  std::thread::id delivering_;  ///< The thread that is inside the callback.
  std::size_t missing_ = 0;     ///< Results that the running round waits for.
  std::int64_t position_ = -1;
  std::int64_t wall_us_ = 0;
  steady_time begun_at_{};
  steady_time ended_at_{};
};

class watch_registry {
 public:
  /// While an import goes on, watches see it in steps of this length.
  static constexpr milliseconds import_step{100};

  explicit watch_registry(watch_host host) : host_(std::move(host)) {}

  [[nodiscard]] std::unique_ptr<watch> start(std::vector<bound_query> queries,
                                             watch_core::callback changed);
  /// Called after each tick; `more`: another one follows at once.
  void wake(bool more);
  void close();

 private:
  using core_pointer = std::shared_ptr<watch_core>;

  void scan();
  /// Begins the rounds that are due, all at one position.
  void begin_rounds(const std::vector<core_pointer>& cores);
  /// One timer for all watches: the earliest time that one of them asked for. Each scan asks anew.
  void look_at(steady_time time);

  watch_host host_;
  std::atomic<bool> scan_soon_{false};
  std::atomic<bool> scan_later_{false};
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<std::weak_ptr<watch_core>> cores_;
  std::optional<timer::ticket> next_look_;
};

}  // namespace lodestar::analytics
