// What the policy is told of hits: the hashes of a sample of them, kept by each thread until there
// are enough to be worth the lock.
//
// Thread-safety: a buffer belongs to the thread whose index (epoch.hpp) it has; threads with higher
// indices have none, and what they hit is not told. Lifetimes: freed with the cache.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include <lodestar/cache/detail/epoch.hpp>
#include <lodestar/cache/detail/limits.hpp>

namespace lodestar::cache::detail {

struct alignas(interference_bytes) sample_buffer {
  std::uint32_t count = 0;
  std::array<std::uint64_t, limits::samples_max> hashes;
};

class sample_buffers {
 public:
  sample_buffers() = default;
  ~sample_buffers() {
    for (auto& each : buffers_) delete each.load(std::memory_order_relaxed);
  }
  sample_buffers(const sample_buffers&) = delete;
  sample_buffers& operator=(const sample_buffers&) = delete;

  /// The buffer of this thread, when it has used it.
  [[nodiscard]] sample_buffer* used_by(std::uint32_t thread_index) noexcept {
    if (thread_index >= buffers_.size()) return nullptr;
    return buffers_[thread_index].load(std::memory_order_relaxed);
  }

  /// The buffer of this thread; null when it has none.
  [[nodiscard]] sample_buffer* of(std::uint32_t thread_index) noexcept {
    if (thread_index >= buffers_.size()) return nullptr;
    auto& slot = buffers_[thread_index];
    sample_buffer* mine = slot.load(std::memory_order_relaxed);
    if (mine == nullptr) {
      mine = new (std::nothrow) sample_buffer;
      slot.store(mine, std::memory_order_release);
    }
    return mine;
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto& each : buffers_) {
      if (each.load(std::memory_order_acquire) != nullptr) bytes += sizeof(sample_buffer);
    }
    return bytes;
  }

 private:
  std::array<std::atomic<sample_buffer*>, 64> buffers_{};
};

}  // namespace lodestar::cache::detail
