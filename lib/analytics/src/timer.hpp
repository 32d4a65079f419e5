// Runs tasks at a time, on one thread of its own: deadlines of queries and waiters, starts of
// refresh rounds.
//
// The clock is passed in. A clock that is moved by hand is noticed within `look_again_ms`.
//
// Thread-safety: all members may be called from any thread; stop() not from a task.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>

namespace lodestar::analytics {

class timer {
 public:
  static constexpr std::int64_t look_again_ms = 20;

  /// Names a scheduled task.
  struct ticket {
    steady_time due{};
    std::uint64_t number = 0;
    friend auto operator<=>(const ticket&, const ticket&) = default;
  };

  explicit timer(const clock& time);
  ~timer();
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  ticket schedule(steady_time due, task work);
  /// False when it runs, ran, or was dropped by stop().
  bool cancel(const ticket& scheduled);
  /// Drops what is scheduled, waits for a task that runs. May be called twice.
  void stop();

 private:
  void run();

  const clock& time_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<ticket, task> tasks_;
  std::uint64_t next_number_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace lodestar::analytics
