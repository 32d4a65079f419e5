// Epoch-based reclamation: memory that readers may still look at is freed only when none of them
// can.
//
//   reader       domain.enter(self); … follow pointers …; domain.exit(self)
//   reclaimer    unlink; const auto period = domain.begin_period(); if (domain.passed(period))
//   free;
//
// A pin costs two plain stores and no shared write: the reader publishes the epoch that it saw and
// goes on behind a light fence, the reclaimer makes up for it with a heavy fence (atomics.hpp), so
// that either the reclaimer sees the pin, or the reader sees that the pointer is gone. After its
// heavy fence the reclaimer starts a new epoch: readers that publish that one or a later one
// began after the unlinking.
//
// Source: K. Fraser, "Practical lock-freedom" (2004), section 5.2.3; the asymmetric fence is that
// of P. McKenney's userspace RCU ("membarrier" flavour).
//
// Thread-safety: join(), leave(), begin_period() and passed() may be called from any thread; a
// participant belongs to one thread at a time. Pins nest. Lifetimes: a domain outlives its
// participants' use; participants are freed with the domain and reused before.
#pragma once

#include <cstddef>
#include <cstdint>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/atomics.hpp>
#include <lodestar/base/inline.hpp>

namespace lodestar::cache::detail {

/// Two lines: processors fetch neighbours in pairs.
inline constexpr std::size_t interference_bytes = 128;

template <class Atomics = std_atomics>
class epoch_domain {
 public:
  struct alignas(interference_bytes) participant {
    typename Atomics::template atomic<std::uint64_t> pinned{0};  ///< 0: reads nothing.
    typename Atomics::template atomic<std::uint32_t> taken{1};
    std::uint32_t depth = 0;  ///< Of nested pins.
    std::uint32_t index = 0;  ///< Small and unique among the participants of the domain.
    bool once = false;        ///< Leaves with its last pin: for threads that are ending.
    participant* next = nullptr;
  };

  constexpr epoch_domain() = default;
  ~epoch_domain();
  epoch_domain(const epoch_domain&) = delete;
  epoch_domain& operator=(const epoch_domain&) = delete;

  [[nodiscard]] participant& join();
  void leave(participant& self) noexcept;

  LODESTAR_ALWAYS_INLINE void enter(participant& self) noexcept {
    if (self.depth++ != 0) return;
    // Releases what was read under earlier pins, as exit() does: the reclaimer may see only this
    // one.
    self.pinned.store(epoch_.load(std::memory_order_acquire), std::memory_order_release);
    Atomics::light_fence();
  }
  LODESTAR_ALWAYS_INLINE void exit(participant& self) noexcept {
    if (--self.depth != 0) return;
    self.pinned.store(0, std::memory_order_release);
    if (self.once) [[unlikely]]
      leave(self);
  }

  /// What was unlinked before the call is out of reach as soon as passed(period).
  [[nodiscard]] std::uint64_t begin_period() noexcept {
    Atomics::heavy_fence();
    return epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
  }
  [[nodiscard]] bool passed(std::uint64_t period) const noexcept;

 private:
  typename Atomics::template atomic<std::uint64_t> epoch_{1};
  alignas(interference_bytes)
      typename Atomics::template atomic<participant*> participants_{nullptr};
};

/// Never destroyed: threads may outlive the statics.
template <class Value>
union immortal {
  constexpr immortal() : value() {}
  constexpr ~immortal() {}
  Value value;
};

/// The domain that all caches of the process share, so that a thread has one participant.
inline constinit immortal<epoch_domain<>> process_epochs;

/// This thread's participant of process_epochs(), once it has one.
inline thread_local constinit epoch_domain<>::participant* this_participant = nullptr;
/// Gives it one.
[[nodiscard]] epoch_domain<>::participant& join_process_epochs();

/// A pin of the process's domain by the calling thread.
class process_pin {
 public:
  LODESTAR_ALWAYS_INLINE process_pin()
      : self_(this_participant != nullptr ? *this_participant : join_process_epochs()) {
    process_epochs.value.enter(self_);
  }
  LODESTAR_ALWAYS_INLINE ~process_pin() { process_epochs.value.exit(self_); }
  process_pin(const process_pin&) = delete;
  process_pin& operator=(const process_pin&) = delete;

  /// Small, and of no other thread that is alive.
  [[nodiscard]] std::uint32_t thread_index() const noexcept { return self_.index; }

 private:
  epoch_domain<>::participant& self_;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Atomics>
epoch_domain<Atomics>::~epoch_domain() {
  for (participant* each = participants_.load(std::memory_order_acquire); each != nullptr;) {
    participant* const next = each->next;
    LODESTAR_ASSERT(each->depth == 0, "nobody reads while a domain ends");
    delete each;
    each = next;
  }
}

template <class Atomics>
auto epoch_domain<Atomics>::join() -> participant& {
  participant* head = participants_.load(std::memory_order_acquire);
  for (participant* each = head; each != nullptr; each = each->next) {
    std::uint32_t free = 0;
    if (each->taken.load(std::memory_order_relaxed) == 0 &&
        each->taken.compare_exchange_strong(free, 1, std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
      return *each;
    }
  }
  auto* const made = new participant;
  do {
    made->next = head;
    made->index = head == nullptr ? 0 : head->index + 1;
  } while (!participants_.compare_exchange_weak(head, made, std::memory_order_acq_rel,
                                                std::memory_order_acquire));
  return *made;
}

template <class Atomics>
void epoch_domain<Atomics>::leave(participant& self) noexcept {
  LODESTAR_ASSERT(self.depth == 0, "a thread reads nothing any more when it leaves");
  self.once = false;
  self.taken.store(0, std::memory_order_release);
}

template <class Atomics>
bool epoch_domain<Atomics>::passed(std::uint64_t period) const noexcept {
  for (const participant* each = participants_.load(std::memory_order_acquire); each != nullptr;
       each = each->next) {
    const std::uint64_t pinned = each->pinned.load(std::memory_order_acquire);
    if (pinned != 0 && pinned < period) return false;
  }
  return true;
}

}  // namespace lodestar::cache::detail
