// Stamps that order the writes of several nodes: a hybrid logical clock.
//
//   write_clock stamps(system_clock(), node);
//   const write_stamp mine = stamps.next();  // greater than all that this node has made or seen
//   stamps.observe(theirs);                  // so that the next one is greater than that, too
//
// The time of a stamp is the wall clock's in microseconds, or one more than the greatest that is
// known where that is greater: a clock that goes back, or runs behind another node's, does not make
// an older stamp. What is observed counts up to `ahead_max` before the own clock: one node with a
// wrong date must not take the others along.
//
// Source: Kulkarni, Demirbas et al., "Logical Physical Clocks and Consistent Snapshots in Globally
// Distributed Databases" (2014), with one number instead of two.
//
// Thread-safety: all members from any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <lodestar/base/clock.hpp>
#include <lodestar/swr/envelope.hpp>

namespace lodestar::swr {

class write_clock {
 public:
  static constexpr std::chrono::microseconds ahead_max = std::chrono::hours(1);

  /// The clock must outlive it.
  write_clock(const clock& time, std::uint64_t node) noexcept : time_(time), node_(node) {}

  [[nodiscard]] std::uint64_t node() const noexcept { return node_; }

  [[nodiscard]] write_stamp next() noexcept {
    const std::uint64_t wall = wall_us();
    std::uint64_t last = last_.load(std::memory_order_relaxed);
    std::uint64_t mine = 0;
    do {
      mine = std::max(wall, last + 1);
    } while (!last_.compare_exchange_weak(last, mine, std::memory_order_relaxed));
    return {.time = mine, .node = node_};
  }

  /// The time of the latest stamp that is known.
  [[nodiscard]] std::uint64_t latest() const noexcept {
    return last_.load(std::memory_order_acquire);
  }

  void observe(const write_stamp& seen) noexcept {
    const std::uint64_t believed = std::min(seen.time, latest_believed());
    std::uint64_t last = last_.load(std::memory_order_relaxed);
    while (last < believed &&
           !last_.compare_exchange_weak(last, believed, std::memory_order_relaxed)) {
    }
  }

  /// Whether a clock that is right enough can have made it.
  [[nodiscard]] bool is_believable(const write_stamp& seen) const noexcept {
    return seen.time <= latest_believed();
  }

 private:
  [[nodiscard]] std::uint64_t wall_us() const noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(time_.wall_us(), 1));
  }
  [[nodiscard]] std::uint64_t latest_believed() const noexcept {
    return std::max(wall_us(), last_.load(std::memory_order_relaxed)) +
           static_cast<std::uint64_t>(ahead_max.count());
  }

  const clock& time_;
  const std::uint64_t node_;
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace lodestar::swr
