// What other threads hand to the loop's thread, in order.
//
// Thread-safety: all members from any thread.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <mutex>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <lodestar/base/error.hpp>

#include "command.hpp"

namespace lodestar::redis_tier {

/// Something else to do, or to give up for that reason.
using errand = std::move_only_function<void(const error* cancelled)>;
using parcel = std::variant<command, errand>;

class mailbox {
 public:
  /// `wake` is called when the box is no longer empty: it makes the loop take().
  explicit mailbox(std::move_only_function<void()> wake) : wake_(std::move(wake)) {}

  /// All of them or none: false when it is closed, and they are left as they were.
  [[nodiscard]] bool put(std::span<parcel> all) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    const bool was_empty = parcels_.empty();
    std::ranges::move(all, std::back_inserter(parcels_));
    if (was_empty && !parcels_.empty()) wake_();
    return true;
  }
  /// What is there, into what is empty; its memory is used for what comes next.
  void take(std::vector<parcel>& into) {
    const std::lock_guard lock(mutex_);
    parcels_.swap(into);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  std::mutex mutex_;
  std::move_only_function<void()> wake_;
  std::vector<parcel> parcels_;
  bool closed_ = false;
};

}  // namespace lodestar::redis_tier
