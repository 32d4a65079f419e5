#include <lodestar/base/assert.hpp>
#include <lodestar/base/scheduler.hpp>

#include <utility>

#include "immortal.hpp"

namespace lodestar {

bool manual_scheduler::post_at(steady_time when, task&& work) {
  const std::lock_guard lock(mutex_);
  tasks_.emplace(when, std::move(work));
  return true;
}

std::size_t manual_scheduler::run_due() {
  for (std::size_t ran = 0;; ++ran) {
    std::multimap<steady_time, task>::node_type due;
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.empty() || tasks_.begin()->first > time_.now()) return ran;
      due = tasks_.extract(tasks_.begin());
    }
    due.mapped()();
  }
}

std::size_t manual_scheduler::pending() const {
  const std::lock_guard lock(mutex_);
  return tasks_.size();
}

std::optional<steady_time> manual_scheduler::next() const {
  const std::lock_guard lock(mutex_);
  return tasks_.empty() ? std::nullopt : std::optional(tasks_.begin()->first);
}

timer_thread::timer_thread(std::string name, std::size_t tasks_max) : tasks_max_(tasks_max) {
  LODESTAR_ASSERT(tasks_max > 0, "a timer without room would refuse every task");
  thread_ = std::thread([this, label = std::move(name)] {
    set_thread_name(label);
    run();
  });
}

timer_thread::~timer_thread() {
  stop();
}

bool timer_thread::post_at(steady_time when, task&& work) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= tasks_max_) return false;
    const auto position = tasks_.emplace(when, std::move(work));
    is_first = position == tasks_.begin();
  }
  if (is_first) wake_.notify_one();
  return true;
}

void timer_thread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  // Outside the lock: a destructor may post, and is refused.
  const auto dropped = std::exchange(tasks_, {});
}

void timer_thread::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
    } else if (const auto when = tasks_.begin()->first; when > system_clock().now()) {
      wake_.wait_until(lock, when);
    } else {
      auto due = tasks_.extract(tasks_.begin());
      lock.unlock();
      due.mapped()();
      due = {};
      lock.lock();
    }
  }
}

namespace {

// Its thread is never ended: tasks may post to it while the process ends.
class lazy_timer final : public scheduler {
 public:
  bool post_at(steady_time when, task&& work) override {
    static auto* const thread = new timer_thread("timer", 100'000);
    return thread->post_at(when, std::move(work));
  }
};

}  // namespace

scheduler& system_timer() noexcept {
  static immortal<lazy_timer> timer;
  return timer.value();
}

}  // namespace lodestar
