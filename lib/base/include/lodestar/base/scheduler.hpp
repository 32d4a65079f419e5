// Where work waits for its time is passed in, as where it runs (executor.hpp).
//
//   timer_thread      one thread and a bounded number of tasks that wait; by the machine's clock
//   manual_scheduler  keeps the tasks until a test has moved the clock and says so
//
// Thread-safety: post_at() may be called from any thread, also from inside a task.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>

namespace lodestar {

class scheduler {
 public:
  virtual ~scheduler() = default;
  /// Takes the task to run it at the time, or soon when that has passed. False when it was not
  /// taken (too many wait, or stopped): the caller destroys it. A task must not throw, and is
  /// short: others wait for it.
  [[nodiscard]] virtual bool post_at(steady_time when, task&& work) = 0;
};

/// By a clock that the test moves.
class manual_scheduler final : public scheduler {
 public:
  explicit manual_scheduler(const clock& time) noexcept : time_(time) {}
  [[nodiscard]] bool post_at(steady_time when, task&& work) override;
  /// Runs what is due, also what tasks post meanwhile; returns how many ran.
  std::size_t run_due();
  [[nodiscard]] std::size_t pending() const;
  /// When the first one is due; nothing when none waits.
  [[nodiscard]] std::optional<steady_time> next() const;

 private:
  const clock& time_;
  mutable std::mutex mutex_;
  std::multimap<steady_time, task> tasks_;
};

class timer_thread final : public scheduler {
 public:
  /// Starts the thread. `name` (up to 15 characters) is what tools like top show.
  timer_thread(std::string name, std::size_t tasks_max);
  /// Stops as stop() does.
  ~timer_thread() override;
  timer_thread(const timer_thread&) = delete;
  timer_thread& operator=(const timer_thread&) = delete;

  [[nodiscard]] bool post_at(steady_time when, task&& work) override;
  /// Takes no more tasks, waits for the one that runs and destroys those that wait. May be called
  /// twice, not from a task.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<steady_time, task> tasks_;
  const std::size_t tasks_max_;
  bool stopping_ = false;
  std::thread thread_;
};

/// A timer of the process, for whoever is not given one. Its thread starts with the first task and
/// ends with the process; at most 100,000 tasks wait.
[[nodiscard]] scheduler& system_timer() noexcept;

}  // namespace lodestar
