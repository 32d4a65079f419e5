#include "cache_throughput/processor_time.hpp"

#include <time.h>

namespace lodestar::bench {

std::optional<double> processor_seconds(pid_t process) noexcept {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
    return std::nullopt;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

}  // namespace lodestar::bench
