// Where work runs is passed in: libraries post to an executor instead of starting threads.
//
//   thread_pool      a fixed number of threads and a bounded queue
//   inline_executor  runs the task at once on the caller's thread
//   manual_executor  keeps the tasks until a test runs them, one at a time or all
//
// Thread-safety: post() may be called from any thread, also from inside a task.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lodestar {

using task = std::move_only_function<void()>;

class executor {
 public:
  virtual ~executor() = default;
  /// Takes the task to run it later, or at once. False when it was not taken (queue full or
  /// stopped): the task is then untouched by the executor and destroyed by the caller. A task must
  /// not throw.
  [[nodiscard]] virtual bool post(task&& work) = 0;
};

class inline_executor final : public executor {
 public:
  [[nodiscard]] bool post(task&& work) override {
    work();
    return true;
  }
};

class manual_executor final : public executor {
 public:
  [[nodiscard]] bool post(task&& work) override;
  /// Runs the oldest task; false when there is none.
  bool run_one();
  /// Runs until none is left, also those posted meanwhile; returns how many ran.
  std::size_t run_all();
  [[nodiscard]] std::size_t pending() const;

 private:
  mutable std::mutex mutex_;
  std::deque<task> tasks_;
};

class thread_pool final : public executor {
 public:
  /// Starts the threads. `name` (up to 12 characters) is what tools like top show.
  thread_pool(std::string name, std::size_t threads, std::size_t queue_tasks_max);
  /// Stops as stop() does.
  ~thread_pool() override;
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  [[nodiscard]] bool post(task&& work) override;
  /// Takes no more tasks, waits for those that run and destroys those that wait, so that it takes
  /// as long as the tasks that run. A task that must tell somebody does so in its destructor. May
  /// be called twice, not from a task.
  void stop();
  [[nodiscard]] std::size_t size() const noexcept { return threads_.size(); }

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<task> tasks_;
  std::size_t queue_tasks_max_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// Names the calling thread for tools and logs (cut to 15 characters).
void set_thread_name(const std::string& name) noexcept;

}  // namespace lodestar
