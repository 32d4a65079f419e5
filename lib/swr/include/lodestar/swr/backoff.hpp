// When to try again what failed: after a delay that doubles with each failure in a row, up to a
// bound. A plain value; not thread-safe.
#pragma once

#include <algorithm>

#include <lodestar/base/clock.hpp>

namespace lodestar::swr {

class backoff {
 public:
  static constexpr milliseconds delay_min{100};
  static constexpr milliseconds delay_max{10'000};

  void note_failure(steady_time now) noexcept {
    retry_at_ = now + delay_;
    delay_ = std::min<nanoseconds>(delay_ * 2, delay_max);
  }
  void note_success() noexcept { *this = backoff(); }
  /// The beginning of time while nothing has failed.
  [[nodiscard]] steady_time retry_at() const noexcept { return retry_at_; }

 private:
  steady_time retry_at_{steady_time::min()};
  nanoseconds delay_{delay_min};
};

}  // namespace lodestar::swr
