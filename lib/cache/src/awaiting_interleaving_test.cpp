// Goal: a coroutine that awaits a load is resumed exactly once, with the whole answer, and the
// frame of a loader is never destroyed twice, in any order of operations that the memory model
// allows.
#include <gtest/gtest.h>

#include <lodestar/cache/detail/awaiting.hpp>
#include <verify/interleave/expect.hpp>

namespace lodestar::cache::detail {
namespace {

using interleave::check;
using interleave::expect_found;
using interleave::expect_never;
using interleave::fault;
using interleave::relaxed;

using simulated = interleave::atomics;

/// Exchanges that order nothing.
struct loose_atomics : interleave::atomics {
  template <class T>
  class atomic : public interleave::atomic<T> {
   public:
    using base = interleave::atomic<T>;
    using base::base;
    T exchange(T value, std::memory_order) noexcept { return base::exchange(value, relaxed); }
    bool compare_exchange_strong(T& expected, T value, std::memory_order,
                                 std::memory_order) noexcept {
      return base::compare_exchange_strong(expected, value, relaxed, relaxed);
    }
  };
};

template <class Atomics>
struct asking_and_answering {
  answer_phase<Atomics> phase;
  interleave::var<int> answer{0, "answer"};
  interleave::var<int> coroutine{0, "coroutine"};
  interleave::atomic<int> resumed{0, "resumed"};

  void resume() {
    check(answer == 7, "the answer is whole");
    resumed.fetch_add(1, relaxed);
  }
  void asker() {
    if (phase.is_answered()) return resume();
    coroutine = 1;
    if (!phase.suspend()) resume();
  }
  void answerer() {
    answer = 7;
    if (!phase.answer()) return;
    check(coroutine == 1, "it has suspended");
    resume();
  }
  void finally() { check(resumed.load(relaxed) == 1, "it is resumed once"); }
};

TEST(awaiting_interleaving, a_coroutine_is_resumed_once_with_the_whole_answer) {
  using right = asking_and_answering<simulated>;
  expect_never<right>({&right::asker, &right::answerer});
}
TEST(awaiting_interleaving, the_answer_needs_its_order) {
  using loose = asking_and_answering<loose_atomics>;
  expect_found<loose>(fault::data_race, {&loose::asker, &loose::answerer});
}

/// The load is handed over to a coroutine on one thread while it is destroyed on another.
template <class Atomics>
struct beginning_and_leaving {
  frame_ownership<Atomics> ownership;
  interleave::var<int> frame{0, "frame"};
  interleave::atomic<int> destroyed{0, "destroyed"};
  interleave::atomic<int> begun{0, "begun"};

  void destroy() { destroyed.fetch_add(1, relaxed); }
  void beginner() {
    frame = 1;
    if (!ownership.begin()) return destroy();
    begun.store(1, relaxed);
    frame = 2;  // It runs, and is suspended.
    ownership.rest();
  }
  void leaver() {
    if (!ownership.leave()) return;
    check(frame == 2, "it is suspended");
    destroy();
  }
  void finally() {
    const int times = destroyed.load(relaxed);
    check(times <= 1, "a frame is destroyed once");
    check(times == 1 || begun.load(relaxed) == 1, "what does not begin is destroyed");
  }
};

TEST(awaiting_interleaving, a_frame_is_destroyed_once_and_not_while_it_begins) {
  using right = beginning_and_leaving<simulated>;
  expect_never<right>({&right::beginner, &right::leaver});
}
TEST(awaiting_interleaving, leaving_needs_its_order) {
  using loose = beginning_and_leaving<loose_atomics>;
  expect_found<loose>(fault::data_race, {&loose::beginner, &loose::leaver});
}

}  // namespace
}  // namespace lodestar::cache::detail
