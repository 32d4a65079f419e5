// Threads that begin the same thing at the same moment, again and again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace lodestar::cache {

/// Numbers that decide where a thread rests; the same for the same seed.
class small_random {
 public:
  explicit small_random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) noexcept {
    state_ = state_ * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    return static_cast<std::uint32_t>((state_ >> 33U) % bound);
  }

 private:
  std::uint64_t state_;
};

/// Lets other threads run, one time in `one_in`.
inline void rest_now_and_then(std::uint32_t one_in) {
  thread_local small_random random(std::hash<std::thread::id>{}(std::this_thread::get_id()));
  if (random.below(one_in) == 0) std::this_thread::yield();
}

/// The calling thread is number 0.
class thread_team {
 public:
  explicit thread_team(std::size_t threads) : threads_(threads) {
    for (std::size_t me = 1; me < threads; ++me) helpers_.emplace_back([this, me] { help(me); });
  }
  ~thread_team() {
    work_ = nullptr;
    round_.fetch_add(1, std::memory_order_release);
  }
  thread_team(const thread_team&) = delete;
  thread_team& operator=(const thread_team&) = delete;

  /// Returns when all have returned.
  void run(std::function<void(std::size_t me)> work) {
    work_ = std::move(work);
    waiting_.store(threads_, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    begin();
    work_(0);
    busy_.fetch_sub(1, std::memory_order_acq_rel);
    while (busy_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  }

 private:
  void help(std::size_t me) {
    for (std::uint64_t seen = 0;;) {
      while (round_.load(std::memory_order_acquire) == seen) std::this_thread::yield();
      ++seen;
      if (!work_) return;
      begin();
      work_(me);
      busy_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }
  void begin() {
    busy_.fetch_add(1, std::memory_order_relaxed);
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
    while (waiting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  }

  const std::size_t threads_;
  std::function<void(std::size_t)> work_;
  std::atomic<std::uint64_t> round_{0};
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::size_t> busy_{0};
  std::vector<std::jthread> helpers_;
};

}  // namespace lodestar::cache
