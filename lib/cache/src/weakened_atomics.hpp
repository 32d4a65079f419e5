// The model checker's atomics with one kind of order left out: what runs on them must be found
// wrong, or the order is not needed (or the scenario does not test it).
#pragma once

#include <atomic>

#include <verify/interleave.hpp>

namespace lodestar::cache {

enum class weakness { loads, stores, light_fence, heavy_fence, full_fence };

template <weakness Without>
struct weakened_atomics : interleave::atomics {
  template <class T>
  class atomic : public interleave::atomic<T> {
   public:
    using base = interleave::atomic<T>;
    using base::base;
    [[nodiscard]] T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
      return base::load(Without == weakness::loads ? std::memory_order_relaxed : order);
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
      base::store(value, Without == weakness::stores ? std::memory_order_relaxed : order);
    }
  };

  static void light_fence() noexcept {
    if constexpr (Without != weakness::light_fence) interleave::atomics::light_fence();
  }
  static void heavy_fence() noexcept {
    if constexpr (Without != weakness::heavy_fence) interleave::atomics::heavy_fence();
  }
  static void thread_fence(std::memory_order order) noexcept {
    if constexpr (Without != weakness::full_fence) interleave::atomics::thread_fence(order);
  }
};

// The names that the tests give to the two.
using simulated = interleave::atomics;
template <weakness Without>
using without = weakened_atomics<Without>;

}  // namespace lodestar::cache
