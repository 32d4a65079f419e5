#include <lodestar/base/assert.hpp>
#include <lodestar/base/executor.hpp>

#include <pthread.h>

#include <utility>

namespace lodestar {

bool manual_executor::post(task&& work) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(work));
  return true;
}

bool manual_executor::run_one() {
  task work;
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty()) return false;
    work = std::move(tasks_.front());
    tasks_.pop_front();
  }
  work();
  return true;
}

std::size_t manual_executor::run_all() {
  std::size_t ran = 0;
  while (run_one()) ++ran;
  return ran;
}

std::size_t manual_executor::pending() const {
  const std::lock_guard lock(mutex_);
  return tasks_.size();
}

thread_pool::thread_pool(std::string name, std::size_t threads, std::size_t queue_tasks_max)
    : queue_tasks_max_(queue_tasks_max) {
  LODESTAR_ASSERT(threads > 0, "a pool without threads would never run a task");
  LODESTAR_ASSERT(queue_tasks_max > 0, "a pool without a queue would refuse every task");
  threads_.reserve(threads);
  for (std::size_t index = 0; index < threads; ++index) {
    threads_.emplace_back([this, label = name + "-" + std::to_string(index)] {
      set_thread_name(label);
      run();
    });
  }
}

thread_pool::~thread_pool() {
  stop();
}

bool thread_pool::post(task&& work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= queue_tasks_max_) return false;
    tasks_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void thread_pool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  // Outside the lock: a destructor may post, and is refused.
  const auto dropped = std::exchange(tasks_, {});
}

void thread_pool::run() {
  for (;;) {
    task work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      work = std::move(tasks_.front());
      tasks_.pop_front();
    }
    work();
  }
}

void set_thread_name(const std::string& name) noexcept {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace lodestar
