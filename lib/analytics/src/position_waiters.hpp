// Callbacks that wait for the tables to reach a position, each with a deadline; a bounded number.
//
// Thread-safety: all members may be called from any thread. Callbacks run without a lock, each
// exactly once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <lodestar/base/error.hpp>

#include "tick.hpp"
#include "timer.hpp"

namespace lodestar::analytics {

class position_waiters {
 public:
  using handler = std::move_only_function<void(result<std::int64_t>)>;

  position_waiters(std::size_t waiting_max, tick& state, timer& deadlines)
      : waiting_max_(waiting_max), tick_(state), timer_(deadlines) {}

  void add(std::int64_t position, steady_time due, handler done);
  /// Calls those whose position is reached.
  void advance(std::int64_t applied);
  /// Answers everybody, now and later, with the error (positions that are reached already still
  /// succeed).
  void close(const error& reason);

 private:
  struct waiter {
    handler done;
    timer::ticket deadline;
  };
  using waiters = std::multimap<std::int64_t, std::shared_ptr<waiter>>;

  /// Takes a waiter out; false when somebody else did.
  bool take(std::int64_t position, const std::shared_ptr<waiter>& wanted);
  void expire(std::int64_t position, const std::shared_ptr<waiter>& late);

  /// Under the mutex: why nobody may wait.
  [[nodiscard]] std::optional<error> refusal() const;

  const std::size_t waiting_max_;
  tick& tick_;
  timer& timer_;
  std::mutex mutex_;
  waiters waiting_;
  std::optional<error> closed_;
};

}  // namespace lodestar::analytics
