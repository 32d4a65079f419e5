// A thread that waits for the answer of a cache, and may be handed a load to run meanwhile
// (blocking.hpp).
//
// Thread-safety: wait() once, by the thread that waits; the others from any thread. Lifetimes:
// shared by that thread and the cache, which may answer when the thread has left.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>

namespace lodestar::swr::detail {

template <class Answer>
class blocked_call {
 public:
  void answer(Answer what) {
    const std::lock_guard held(mutex_);
    answer_.emplace(std::move(what));
    changed_.notify_one();
  }

  /// Gives the work to the thread that waits. False when it does not wait any more: the work is
  /// untouched then.
  [[nodiscard]] bool hand_over(task& work) {
    const std::lock_guard held(mutex_);
    if (answer_ || has_left_) return false;
    work_ = std::move(work);
    changed_.notify_one();
    return true;
  }

  /// The answer, or nothing when it has not come by then. Runs what is handed over meanwhile, for
  /// as long as that takes.
  [[nodiscard]] std::optional<Answer> wait(nanoseconds at_most) {
    const steady_time latest = std::chrono::steady_clock::now() + at_most;
    task unused;  // destroyed without the lock: it tells others
    std::unique_lock held(mutex_);
    for (;;) {
      const bool changed =
          changed_.wait_until(held, latest, [this] { return answer_ || work_ != nullptr; });
      if (answer_ || !changed) {
        has_left_ = true;
        unused = std::exchange(work_, nullptr);
        return std::exchange(answer_, std::nullopt);
      }
      task mine = std::exchange(work_, nullptr);
      held.unlock();
      mine();
      mine = nullptr;
      held.lock();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  task work_;
  std::optional<Answer> answer_;
  bool has_left_ = false;
};

}  // namespace lodestar::swr::detail
