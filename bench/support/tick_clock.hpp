// The processor's time stamp counter: reading it costs a few nanoseconds where the system's clock
// costs as much as the operation that is measured.
#pragma once

#include <x86intrin.h>

#include <cstdint>

namespace lodestar::bench {

/// Increases at the same pace on every core.
[[nodiscard]] inline std::uint64_t ticks() noexcept {
  return __rdtsc();
}

/// Found by comparison with the system's clock, once; takes some milliseconds.
[[nodiscard]] double ticks_per_ns();

/// What two reads in a row differ by, at the median.
[[nodiscard]] double tick_clock_cost_ns();

}  // namespace lodestar::bench
