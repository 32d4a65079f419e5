// Time is passed in. Durations and deadlines use the monotonic clock; only what is shown to people
// or stored as a calendar time uses the wall clock. Tests use manual_clock and never sleep.
//
// Thread-safety: all members of every clock may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace lodestar {

using steady_time = std::chrono::steady_clock::time_point;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

class clock {
 public:
  virtual ~clock() = default;
  /// Monotonic time: for durations, time to live, deadlines.
  [[nodiscard]] virtual steady_time now() const noexcept = 0;
  /// What now() was at most `recent_lag_max` ago: for whoever asks often and can tell when that
  /// makes no difference. On most machines several times cheaper than now().
  [[nodiscard]] virtual steady_time recent() const noexcept { return now(); }
  static constexpr nanoseconds recent_lag_max = std::chrono::seconds(1);
  /// Wall-clock time in microseconds since 1970-01-01 UTC: for what is recorded and shown.
  [[nodiscard]] virtual std::int64_t wall_us() const noexcept = 0;
  /// What wall_us() was at most `recent_lag_max` ago, as recent() is of now().
  [[nodiscard]] virtual std::int64_t recent_wall_us() const noexcept { return wall_us(); }
};

/// The clocks of the machine.
[[nodiscard]] clock& system_clock() noexcept;

/// A clock that moves only when told to.
class manual_clock final : public clock {
 public:
  explicit manual_clock(std::int64_t wall_us = 1'000'000'000'000'000) noexcept
      : wall_us_(wall_us) {}
  [[nodiscard]] steady_time now() const noexcept override {
    return steady_time{} + nanoseconds{steady_ns_.load(std::memory_order_acquire)};
  }
  [[nodiscard]] std::int64_t wall_us() const noexcept override {
    return wall_us_.load(std::memory_order_acquire);
  }
  void advance(nanoseconds by) noexcept {
    steady_ns_.fetch_add(by.count(), std::memory_order_acq_rel);
    wall_us_.fetch_add(by.count() / 1000, std::memory_order_acq_rel);
  }
  /// Moves the wall clock alone, as an administrator or a leap second would.
  void set_wall_us(std::int64_t wall_us) noexcept {
    wall_us_.store(wall_us, std::memory_order_release);
  }

 private:
  std::atomic<std::int64_t> steady_ns_{0};
  std::atomic<std::int64_t> wall_us_;
};

}  // namespace lodestar
