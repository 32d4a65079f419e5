// What two sides of a load that is awaited agree on, without locks (awaitable.hpp).
#pragma once

#include <cstdint>

#include <lodestar/base/atomics.hpp>

namespace lodestar::cache::detail {

/// Between a coroutine that wants an answer and whoever brings it, perhaps on another thread and
/// before the coroutine has suspended. What one of them wrote before its call the other one sees.
template <class Atomics = std_atomics>
class answer_phase {
 public:
  /// By whoever has written the answer, once: whether to resume the coroutine.
  [[nodiscard]] bool answer() noexcept {
    return phase_.exchange(phase::answered, std::memory_order_acq_rel) == phase::suspended;
  }
  [[nodiscard]] bool is_answered() const noexcept {
    return phase_.load(std::memory_order_acquire) == phase::answered;
  }
  /// By the coroutine, which is ready to be resumed: false when the answer is there already.
  [[nodiscard]] bool suspend() noexcept {
    phase expected = phase::begun;
    return phase_.compare_exchange_strong(expected, phase::suspended, std::memory_order_acq_rel,
                                          std::memory_order_acquire);
  }
  /// By the coroutine, which is being destroyed: it is not to be resumed any more.
  void leave() noexcept { phase_.exchange(phase::left, std::memory_order_acq_rel); }

 private:
  enum class phase : std::uint8_t { begun, suspended, answered, left };
  typename Atomics::template atomic<phase> phase_{phase::begun};
};

/// To whom the frame of a loader belongs: to the coroutine that awaits it while it is suspended, to
/// itself while it begins and when it ends. A coroutine that has left begins none.
template <class Atomics = std_atomics>
class frame_ownership {
 public:
  /// By whoever is about to run the frame for the first time: false when its owner has left.
  [[nodiscard]] bool begin() noexcept {
    state expected = state::none;
    return state_.compare_exchange_strong(expected, state::beginning, std::memory_order_acq_rel,
                                          std::memory_order_acquire);
  }
  /// By the same when that returned. The frame may have ended, or be running elsewhere.
  void rest() noexcept {
    state expected = state::beginning;
    state_.compare_exchange_strong(expected, state::owned, std::memory_order_acq_rel,
                                   std::memory_order_acquire);
  }
  /// By the frame, which has its result and destroys itself.
  void end() noexcept { state_.store(state::ended, std::memory_order_release); }
  /// By the owner: whether it has to destroy the frame. One that is beginning elsewhere goes on for
  /// others.
  [[nodiscard]] bool leave() noexcept {
    return state_.exchange(state::left, std::memory_order_acq_rel) == state::owned;
  }

 private:
  enum class state : std::uint8_t { none, beginning, owned, ended, left };
  typename Atomics::template atomic<state> state_{state::none};
};

}  // namespace lodestar::cache::detail
