// Waits for what another thread does, in tests.
#pragma once

#include <chrono>
#include <thread>

namespace lodestar::swr::testing {

/// Whether the condition has become true within a minute.
template <class Condition>
[[nodiscard]] bool until(Condition&& condition) {
  const auto latest = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > latest) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace lodestar::swr::testing
