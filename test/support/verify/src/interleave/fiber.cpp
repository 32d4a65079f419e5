#include "fiber.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include <lodestar/base/assert.hpp>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace lodestar::interleave::detail {
namespace {

constexpr std::size_t stack_bytes = 256UZ * 1024;  // Touched pages only are paid for.

/// The two fibers of the switch that is going on.
thread_local fiber* leaving = nullptr;
thread_local fiber* entering = nullptr;

std::size_t page_bytes() {
  return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// The lowest page stays unmapped: a stack that overflows ends the process at once.
void* map_stack() {
  void* mapped = mmap(nullptr, stack_bytes + page_bytes(), PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  LODESTAR_ASSERT(mapped != MAP_FAILED, "there is address space for a fiber's stack");
  LODESTAR_ASSERT(mprotect(static_cast<std::byte*>(mapped) + page_bytes(), stack_bytes,
                           PROT_READ | PROT_WRITE) == 0,
                  "there is memory for a fiber's stack");
  return mapped;
}

}  // namespace

fiber::fiber() {
#if defined(__SANITIZE_THREAD__)
  shadow_ = __tsan_get_current_fiber();
#endif
}

fiber::fiber(std::function<void()> body)
    : body_(std::move(body)), mapped_(map_stack()), stack_bytes_(stack_bytes) {
  stack_ = static_cast<std::byte*>(mapped_) + page_bytes();
  getcontext(&context_);
  context_.uc_stack.ss_sp = const_cast<void*>(stack_);
  context_.uc_stack.ss_size = stack_bytes_;
  context_.uc_link = nullptr;
  makecontext(&context_, &fiber::enter, 0);
#if defined(__SANITIZE_THREAD__)
  shadow_ = __tsan_create_fiber(0);
#endif
}

fiber::~fiber() {
  if (mapped_ == nullptr) return;
#if defined(__SANITIZE_THREAD__)
  __tsan_destroy_fiber(shadow_);
#endif
  munmap(mapped_, stack_bytes + page_bytes());
}

void fiber::switch_to(fiber& next) {
  leaving = this;
  entering = &next;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&fake_stack_, next.stack_, next.stack_bytes_);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(next.shadow_, 0);
#endif
  swapcontext(&context_, &next.context_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack_, &leaving->stack_, &leaving->stack_bytes_);
#endif
}

void fiber::enter() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &leaving->stack_, &leaving->stack_bytes_);
#endif
  entering->body_();
  LODESTAR_ASSERT(false, "a fiber's body switches away for good");
}

}  // namespace lodestar::interleave::detail
