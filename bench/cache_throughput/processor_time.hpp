// The processor time of a process: what an operation costs, also where other work takes a part of
// the machine.
#pragma once

#include <sys/types.h>

#include <optional>

namespace lodestar::bench {

/// What all threads of the process have used so far; nothing when it is gone.
[[nodiscard]] std::optional<double> processor_seconds(pid_t process) noexcept;

}  // namespace lodestar::bench
