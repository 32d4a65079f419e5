// Counters that threads of their own lines add to.
//
// Thread-safety: all members from any thread. A thread whose index is below the number of stripes
// has one to itself and adds by a plain load and store; the rest share one and add atomically.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <lodestar/base/inline.hpp>
#include <lodestar/cache/detail/epoch.hpp>

namespace lodestar::cache::detail {

/// `Count` counters, numbered from 0.
template <std::size_t Count>
class striped_counters {
 public:
  explicit striped_counters(bool wanted) {
    if (wanted) stripes_ = std::make_unique<stripe[]>(stripe_count + 1);
  }

  LODESTAR_ALWAYS_INLINE void add(std::size_t counter, std::uint32_t thread_index,
                                  std::uint64_t amount = 1) noexcept {
    if (!stripes_) return;
    if (thread_index < stripe_count) [[likely]] {
      auto& mine = stripes_[thread_index].values[counter];
      mine.store(mine.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    } else {
      stripes_[stripe_count].values[counter].fetch_add(amount, std::memory_order_relaxed);
    }
  }

  [[nodiscard]] std::uint64_t sum(std::size_t counter) const noexcept {
    if (!stripes_) return 0;
    std::uint64_t total = 0;
    for (std::size_t index = 0; index <= stripe_count; ++index)
      total += stripes_[index].values[counter].load(std::memory_order_relaxed);
    return total;
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return stripes_ ? (stripe_count + 1) * sizeof(stripe) : 0;
  }

 private:
  static constexpr std::size_t stripe_count = 63;
  struct alignas(interference_bytes) stripe {
    std::array<std::atomic<std::uint64_t>, Count> values{};
  };
  std::unique_ptr<stripe[]> stripes_;
};

}  // namespace lodestar::cache::detail
