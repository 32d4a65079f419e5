// Counts the tiers that a write has reached, and tells its caller when all have answered.
//
// Thread-safety: all members from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <lodestar/base/error.hpp>

namespace lodestar::swr {

class write_report {
 public:
  using handler = std::move_only_function<void(result<void>)>;
  write_report(std::size_t tiers, handler done) : left_(tiers), done_(std::move(done)) {}

  /// The first error is the one that is told.
  void ended(const std::optional<error>& problem) {
    if (problem) {
      const std::lock_guard held(mutex_);
      if (!problem_) problem_ = problem;
    }
    if (left_.fetch_sub(1) != 1) return;
    done_(problem_ ? result<void>(std::unexpected(*problem_)) : result<void>());
  }

 private:
  std::atomic<std::size_t> left_;
  std::mutex mutex_;
  std::optional<error> problem_;
  handler done_;
};

/// Null: nobody waits.
using write_report_pointer = std::shared_ptr<write_report>;

}  // namespace lodestar::swr
