// Waiting for a change of another thread that takes a few instructions.
#pragma once

namespace lodestar::cache::detail {

/// Between two attempts; `attempt` counts them.
template <class Atomics>
[[gnu::noinline, gnu::cold]] void wait_briefly(unsigned attempt) noexcept {
  // The one who changes may have lost its processor.
  if (attempt % 64 == 63) {
    Atomics::yield();
  } else {
    Atomics::pause();
  }
}

}  // namespace lodestar::cache::detail
