// Callbacks that wait for the tables to reach a position, each with a deadline.
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

  position_waiters(tick& state, timer& deadlines, const clock& time)
      : tick_(state), timer_(deadlines), time_(time) {}

  void add(std::int64_t position, std::int64_t deadline_ms, handler done);
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

  tick& tick_;
  timer& timer_;
  const clock& time_;
  std::mutex mutex_;
  waiters waiting_;
  std::optional<error> closed_;
};

}  // namespace lodestar::analytics
