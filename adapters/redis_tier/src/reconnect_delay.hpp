// How long to wait before the next attempt to connect: 50 ms at least, more with each failure up to
// a second, of which a random half is left out, so that many clients do not come at once.
#pragma once

#include <algorithm>
#include <cstdint>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/random.hpp>

namespace lodestar::redis_tier {

class reconnect_delay {
 public:
  static constexpr milliseconds delay_min{50};
  static constexpr milliseconds delay_max{1'000};

  [[nodiscard]] nanoseconds next(random_source& random) {
    const nanoseconds full = std::min<nanoseconds>(bound_, delay_max);
    bound_ = std::min<nanoseconds>(bound_ * 2, delay_max);
    const auto spread = static_cast<std::uint64_t>((full - full / 2).count());
    const auto delay = full / 2 + nanoseconds(static_cast<std::int64_t>(random.next() % spread));
    return std::max<nanoseconds>(delay, delay_min);
  }
  void reset() noexcept { bound_ = delay_min * 2; }

 private:
  nanoseconds bound_ = delay_min * 2;
};

}  // namespace lodestar::redis_tier
