// A fiber: a stack of its own on which code runs until it switches to another fiber of the same
// operating-system thread. The sanitizers are told of every switch.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

namespace lodestar::interleave::detail {

class fiber {
 public:
  /// Stands for the calling thread's own stack.
  fiber();
  /// Runs `body` when it is first switched to. The body never returns: it switches away for good.
  explicit fiber(std::function<void()> body);
  /// What is left on the stack is given up without being unwound.
  ~fiber();
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  /// From this fiber, which must be the running one. Returns when somebody switches back.
  void switch_to(fiber& next);

 private:
  static void enter();

  std::function<void()> body_;
  ucontext_t context_{};
  void* mapped_ = nullptr;
  // For AddressSanitizer: where the stack is, and its frames that live elsewhere.
  const void* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
  // For ThreadSanitizer.
  void* shadow_ = nullptr;
};

}  // namespace lodestar::interleave::detail
