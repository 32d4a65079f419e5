#include <lodestar/base/clock.hpp>

#include <ctime>

#include "immortal.hpp"

namespace lodestar {
namespace {

class machine_clock final : public clock {
 public:
  [[nodiscard]] steady_time now() const noexcept override {
    return std::chrono::steady_clock::now();
  }
  // The kernel's tick: the same clock, a few milliseconds ago, without asking the hardware.
  [[nodiscard]] steady_time recent() const noexcept override {
    timespec tick{};
    if (::clock_gettime(CLOCK_MONOTONIC_COARSE, &tick) != 0) return now();
    return steady_time(std::chrono::seconds(tick.tv_sec) + nanoseconds(tick.tv_nsec));
  }
  [[nodiscard]] std::int64_t wall_us() const noexcept override {
    return std::chrono::duration_cast<microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  [[nodiscard]] std::int64_t recent_wall_us() const noexcept override {
    timespec tick{};
    if (::clock_gettime(CLOCK_REALTIME_COARSE, &tick) != 0) return wall_us();
    return microseconds(std::chrono::seconds(tick.tv_sec)).count() + tick.tv_nsec / 1'000;
  }
};

}  // namespace

clock& system_clock() noexcept {
  static immortal<machine_clock> instance;
  return instance.value();
}

}  // namespace lodestar
