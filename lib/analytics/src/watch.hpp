// Watches: rounds of refreshes, each as of one position.
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
// Rounds begin on the timer's thread, never on the feeder's: many watches must not slow down the
// feeding.
//
// Thread-safety: all members may be called from any thread. A watch may outlive the service; it is
// then silent.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <lodestar/analytics/service.hpp>

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

class watch_core : public std::enable_shared_from_this<watch_core> {
 public:
  using callback = std::function<void(std::shared_ptr<const watch_state>)>;

  watch_core(watch_host& host, std::vector<bound_query> queries, callback changed);

  /// Begins a round if something moved and the interval allows it, or sees to it that one begins
  /// later.
  void consider();
  /// After this the callback does not run any more; waits for one that runs, unless it is called
  /// from inside it.
  void close();

 private:
  struct tile {
    bound_query query;
    watch_state::tile shown;
    std::int64_t attempted_at = -1;  ///< Position of the last round that computed it.
  };

  [[nodiscard]] bool something_moved() const;
  /// A round rests as long as it took: a page over large tables leaves half of the machine to
  /// everybody else.
  [[nodiscard]] steady_time next_due() const;
  void schedule_at(steady_time due);
  void begin_round();
  [[nodiscard]] std::vector<std::size_t> pick_moved_tiles();
  void take(std::size_t index, result<query_answer> outcome);
  static void update(watch_state::tile& shown, result<query_answer> outcome, std::int64_t position);
  void finish_round();
  [[nodiscard]] std::shared_ptr<const watch_state> make_state() const;

  watch_host& host_;
  const callback changed_;

  std::mutex mutex_;
  std::condition_variable delivered_;
  std::vector<tile> tiles_;
  bool closed_ = false;
  bool round_running_ = false;
  bool scheduled_ = false;
  bool abandoned_ = false;      ///< The service stopped in the middle of the round.
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
  void scan();

  watch_host host_;
  std::atomic<bool> scan_soon_{false};
  std::atomic<bool> scan_later_{false};
  std::mutex mutex_;
  bool closed_ = false;
  std::vector<std::weak_ptr<watch_core>> cores_;
};

}  // namespace lodestar::analytics
