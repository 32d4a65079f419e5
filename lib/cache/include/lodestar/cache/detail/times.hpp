// Durations of the caller and ticks of the cache.
#pragma once

#include <algorithm>

#include <lodestar/cache/detail/record.hpp>
#include <lodestar/cache/options.hpp>

namespace lodestar::cache::detail {

template <class Key, class Value>
[[nodiscard]] bool has_times(const options<Key, Value>& settings) noexcept {
  return settings.time_to_live != never || settings.time_to_idle != never ||
         settings.expires.after_create || settings.expires.after_update ||
         settings.expires.after_read;
}

[[nodiscard]] inline nanoseconds duration_between(ticks from, ticks until) noexcept {
  if (until >= ticks_never) return never;
  return until <= from ? nanoseconds::zero()
                       : nanoseconds{static_cast<std::int64_t>(until - from) * 1000};
}

/// How much later an idle time must be to be worth a write.
[[nodiscard]] inline ticks idle_tolerance(nanoseconds time_to_idle) noexcept {
  return static_cast<ticks>(std::min<std::int64_t>(time_to_idle.count() / 64'000, 1'000'000));
}
/// From this tolerance on clock::recent(), which is usually a few milliseconds late, is as good as
/// now() to see that an idle time stays as it is.
inline constexpr ticks idle_guess_min = 10'000;

}  // namespace lodestar::cache::detail
