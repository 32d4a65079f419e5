// A count that many threads add to at the same time, often, and that is read seldom: threads add to
// lines of memory of their own, where those of a counter (metrics.hpp) would wait for each other.
//
// Thread-safety: all members from any thread. A sum that is read while others add may lack those.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace lodestar {

class striped_counter {
 public:
  void add() noexcept {
    stripes_[stripe_of_thread()].value.fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    std::uint64_t sum = 0;
    for (const stripe& each : stripes_) sum += each.value.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  static constexpr std::size_t stripes = 16;
  // Processors fetch lines in pairs.
  struct alignas(128) stripe {
    std::atomic<std::uint64_t> value{0};
  };
  [[nodiscard]] static std::size_t stripe_of_thread() noexcept {
    static constinit std::atomic<std::size_t> next{0};
    thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed) % stripes;
    return mine;
  }
  std::array<stripe, stripes> stripes_;
};

}  // namespace lodestar
