// Whether calls have a chance at present, for whoever would make one.
//
// Thread-safety: all members from any thread.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include <lodestar/base/error.hpp>

namespace lodestar::redis_tier {

class link_status {
 public:
  void set_up() {
    const std::lock_guard lock(mutex_);
    why_.reset();
    down_.store(false, std::memory_order_release);
  }
  void set_down(error why) {
    const std::lock_guard lock(mutex_);
    why_ = std::move(why);
    down_.store(true, std::memory_order_release);
  }
  /// Why not; nothing when it is up, or is not known to be down yet.
  [[nodiscard]] std::optional<error> down() const {
    if (!down_.load(std::memory_order_acquire)) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return why_;
  }

 private:
  std::atomic<bool> down_ = false;
  mutable std::mutex mutex_;
  std::optional<error> why_;
};

}  // namespace lodestar::redis_tier
