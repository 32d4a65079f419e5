// A coroutine that nobody awaits.
#pragma once

#include <coroutine>
#include <exception>

namespace lodestar::cache::detail {

/// Begins when its handle is resumed, and destroys itself when it ends. Before that its frame
/// belongs to whoever has the handle. It must not throw.
struct self_owned {
  struct promise_type {
    self_owned get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_never final_suspend() noexcept { return {}; }
    static void return_void() noexcept {}
    [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }
  };
  std::coroutine_handle<> handle;
};

}  // namespace lodestar::cache::detail
