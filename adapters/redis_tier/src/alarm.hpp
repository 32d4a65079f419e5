// The one timer of a loop: whoever waits for a time says so, and is asked when it has come.
//
// Thread-safety: the loop's thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include <lodestar/base/clock.hpp>

#include "asio.hpp"

namespace lodestar::redis_tier {

class alarm {
 public:
  /// `ring` does what is due and returns when something is next; steady_time::max(): never.
  alarm(asio::io_context& context, const clock& time,
        std::move_only_function<steady_time(steady_time now)> ring)
      : timer_(context), time_(time), ring_(std::move(ring)) {}

  /// Rings at that time or before.
  void need(steady_time when) {
    if (when >= at_ || stopped_) return;
    at_ = when;
    // Not more often than that: a ring looks at all that is open.
    constexpr milliseconds apart_min{1};
    constexpr std::chrono::hours wait_max{1};
    const nanoseconds wait =
        std::clamp<nanoseconds>(when - time_.now(), nanoseconds::zero(), wait_max);
    timer_.expires_after(std::max<nanoseconds>(wait, apart_min));
    timer_.async_wait([this](io_error problem) {
      if (problem || stopped_) return;
      at_ = steady_time::max();
      need(ring_(time_.now()));
    });
  }
  void stop() {
    stopped_ = true;
    timer_.cancel();
  }

 private:
  asio::steady_timer timer_;
  const clock& time_;
  std::move_only_function<steady_time(steady_time)> ring_;
  steady_time at_ = steady_time::max();
  bool stopped_ = false;
};

}  // namespace lodestar::redis_tier
