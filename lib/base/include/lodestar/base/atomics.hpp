// Atomics as a policy: lock-free code is templated on it, so that the same source runs on
// std::atomic in production and under the model checker in its tests (test/support/verify).
//
//   template <class Atomics = std_atomics>
//   class flag { typename Atomics::template atomic<bool> raised_{false}; … };
//
// The asymmetric fences are a pair. Of two threads that each store, fence and load what the other
// stored, at least one sees the other's store when one of the fences is heavy:
//
//   light_fence()   for the side that runs often: costs a cache line that never changes
//   heavy_fence()   for the side that runs seldom: a system call of microseconds that makes every
//                   thread of the process execute a full barrier
//
// Two light fences order nothing between each other.
//
// ThreadSanitizer does not understand fences of any kind: it sees neither the order they make nor a
// data race they prevent, so that a correct use may be reported. What must be clean under it has to
// hand its data over by release and acquire as well.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

namespace lodestar {

namespace detail {
/// Whether the kernel knows membarrier and has this process registered for it; decided before
/// main(). Until then it is false, and fences on both sides are full ones, which is correct too.
extern const bool has_membarrier;
void barrier_in_every_thread() noexcept;

inline void full_fence(std::memory_order order) noexcept {
#if defined(__SANITIZE_THREAD__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
  std::atomic_thread_fence(order);
#if defined(__SANITIZE_THREAD__)
#pragma GCC diagnostic pop
#endif
}
}  // namespace detail

/// Thread-safety: every function on any thread.
struct std_atomics {
  template <class T>
  using atomic = std::atomic<T>;
  /// Plain data that other rules protect (a lock, publication by an atomic); the model checker's
  /// finds data races.
  template <class T>
  using var = T;
  using mutex = std::mutex;

  static void light_fence() noexcept {
    if (detail::has_membarrier) [[likely]] {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      detail::full_fence(std::memory_order_seq_cst);
    }
  }
  static void heavy_fence() noexcept {
    if (detail::has_membarrier) [[likely]] {
      detail::barrier_in_every_thread();
    } else {
      detail::full_fence(std::memory_order_seq_cst);
    }
  }
  static void thread_fence(std::memory_order order) noexcept { detail::full_fence(order); }

  /// For every round of a loop that waits for another thread: lets that thread run.
  static void yield() noexcept { std::this_thread::yield(); }
  /// The same where the wait is short: stays on its core.
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
  }

  template <class T>
  [[nodiscard]] static const T& read(const T& plain) noexcept {
    return plain;
  }
  template <class T>
  [[nodiscard]] static T& write(T& plain) noexcept {
    return plain;
  }

  /// new and delete, which the model checker follows.
  template <class T, class... Arguments>
  [[nodiscard]] static T* make(Arguments&&... arguments) {
    return new T(std::forward<Arguments>(arguments)...);
  }
  template <class T>
  static void destroy(T* object) noexcept {
    delete object;
  }
};

}  // namespace lodestar
