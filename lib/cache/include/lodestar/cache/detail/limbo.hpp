// What was taken out and may still be read: it waits here until no reader can have it.
//
// Thread-safety: all members from any thread. The objects are handed back to be destroyed by the
// caller, who holds no lock. Lifetimes: what still waits at the end is destroyed with the limbo.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include <lodestar/base/atomics.hpp>
#include <lodestar/cache/detail/epoch.hpp>

namespace lodestar::cache::detail {

/// Node: has a member `next` of its own type. Destroyer::destroy(Node*) destroys one.
template <class Node, class Atomics = std_atomics, class Destroyer = Atomics>
class limbo {
 public:
  /// A chain of nodes, destroyed at the end.
  class chain {
   public:
    chain() = default;
    explicit chain(Node* first) noexcept : first_(first) {}
    chain(chain&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
    chain& operator=(chain&&) = delete;
    ~chain() {
      while (first_ != nullptr) Destroyer::destroy(std::exchange(first_, first_->next));
    }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

   private:
    Node* first_ = nullptr;
  };

  explicit limbo(epoch_domain<Atomics>& epochs) noexcept : epochs_(epochs) {}
  ~limbo() {
    const chain waiting(waiting_);
    const chain leaving(leaving_);
  }
  limbo(const limbo&) = delete;
  limbo& operator=(const limbo&) = delete;

  /// Nobody who is not pinned yet can reach the node any more.
  void add(Node* node) {
    const std::lock_guard held(mutex_);
    node->next = std::exchange(waiting_, node);
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// What no reader can have any more. Looks when at least `enough` nodes wait.
  [[nodiscard]] chain collect(std::size_t enough);

  [[nodiscard]] std::size_t size() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  epoch_domain<Atomics>& epochs_;
  mutable typename Atomics::mutex mutex_;
  typename Atomics::template atomic<std::size_t> count_{0};
  Node* waiting_ = nullptr;
  // Those whose grace period has begun.
  Node* leaving_ = nullptr;
  std::size_t leaving_count_ = 0;
  std::uint64_t period_ = 0;
  bool beginning_ = false;  ///< Somebody is about to set the period.
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Node, class Atomics, class Destroyer>
auto limbo<Node, Atomics, Destroyer>::collect(std::size_t enough) -> chain {
  if (size() < enough) return chain();
  std::unique_lock held(mutex_);
  if (beginning_) return chain();
  if (leaving_ == nullptr) {
    if (waiting_ == nullptr) return chain();
    leaving_ = std::exchange(waiting_, nullptr);
    leaving_count_ = size();
    // Its fence takes microseconds: others may add meanwhile.
    beginning_ = true;
    held.unlock();
    const std::uint64_t period = epochs_.begin_period();
    held.lock();
    period_ = period;
    beginning_ = false;
  }
  if (!epochs_.passed(period_)) return chain();
  count_.store(size() - std::exchange(leaving_count_, 0), std::memory_order_relaxed);
  return chain(std::exchange(leaving_, nullptr));
}

}  // namespace lodestar::cache::detail
