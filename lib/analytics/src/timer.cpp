#include "timer.hpp"

#include <algorithm>
#include <utility>

namespace lodestar::analytics {

timer::timer(const clock& time)
    : time_(time), thread_([this] {
        set_thread_name("analytics-timer");
        run();
      }) {}

timer::~timer() {
  stop();
}

timer::ticket timer::schedule(steady_time due, task work) {
  task refused;  // Destroyed without the lock.
  const std::lock_guard lock(mutex_);
  const ticket scheduled{due, next_number_++};
  if (stopping_) {
    refused = std::move(work);
    return scheduled;
  }
  const bool first = tasks_.empty() || scheduled < tasks_.begin()->first;
  tasks_.emplace(scheduled, std::move(work));
  if (first) wake_.notify_one();
  return scheduled;
}

bool timer::cancel(const ticket& scheduled) {
  task dropped;
  const std::lock_guard lock(mutex_);
  const auto found = tasks_.find(scheduled);
  if (found == tasks_.end()) return false;
  dropped = std::move(found->second);
  tasks_.erase(found);
  return true;
}

void timer::stop() {
  std::map<ticket, task> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void timer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto first = tasks_.begin();
    const auto remaining = first->first.due - time_.now();
    if (remaining > nanoseconds::zero()) {
      wake_.wait_for(lock, std::min<nanoseconds>(remaining, milliseconds(look_again_ms)));
      continue;
    }
    task work = std::move(first->second);
    tasks_.erase(first);
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace lodestar::analytics
