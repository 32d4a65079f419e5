// Keeps callers from a store that fails again and again: after `failures_max` failures in a row
// calls are refused at once, and one at a time is let through now and then to see whether it works
// again. The first that does closes the breaker.
//
// Source: Nygard, "Release It!" (2007), chapter 5.
//
// Thread-safety: all members from any thread; without a lock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include <lodestar/base/clock.hpp>

namespace lodestar::swr {

struct circuit_breaker_options {
  int failures_max = 5;
  /// Between two calls that are let through while it is open.
  std::int64_t probe_every_ms = 500;
};

class circuit_breaker {
 public:
  explicit circuit_breaker(circuit_breaker_options options) noexcept : options_(options) {}

  /// Whether to call. Whoever is told so must say what came of it.
  [[nodiscard]] bool admit(steady_time now) noexcept {
    if (!is_open()) return true;
    std::int64_t due = probe_at_.load(std::memory_order_relaxed);
    const std::int64_t time = now.time_since_epoch().count();
    // The next one is due even when nobody ever says what came of this one.
    return time >= due && probe_at_.compare_exchange_strong(due, next_probe(now));
  }
  /// True when it was open until now.
  bool note_success() noexcept { return failures_.exchange(0) >= options_.failures_max; }
  /// True when it has opened just now.
  bool note_failure(steady_time now) noexcept {
    const bool opens = failures_.fetch_add(1) + 1 == options_.failures_max;
    if (opens) probe_at_.store(next_probe(now));
    return opens;
  }
  [[nodiscard]] bool is_open() const noexcept { return failures_.load() >= options_.failures_max; }

 private:
  [[nodiscard]] std::int64_t next_probe(steady_time now) const noexcept {
    return (now + std::chrono::milliseconds(options_.probe_every_ms)).time_since_epoch().count();
  }

  const circuit_breaker_options options_;
  std::atomic<std::int64_t> failures_{0};
  std::atomic<std::int64_t> probe_at_{0};
};

}  // namespace lodestar::swr
