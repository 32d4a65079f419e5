// As little of a coroutine type as a test needs: begun when it is awaited, or detached.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace lodestar::test {

/// Destroys its coroutine wherever that is suspended.
template <class Value>
class small_task {
 public:
  struct promise_type {
    std::optional<Value> value;
    std::exception_ptr thrown;
    std::coroutine_handle<> continuation = std::noop_coroutine();

    small_task get_return_object() noexcept {
      return small_task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    struct resuming {
      static bool await_ready() noexcept { return false; }
      static std::coroutine_handle<> await_suspend(
          std::coroutine_handle<promise_type> ended) noexcept {
        return ended.promise().continuation;
      }
      static void await_resume() noexcept {}
    };
    static resuming final_suspend() noexcept { return {}; }
    void return_value(Value returned) { value.emplace(std::move(returned)); }
    void unhandled_exception() noexcept { thrown = std::current_exception(); }
  };

  small_task(small_task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  small_task& operator=(small_task&&) = delete;
  ~small_task() {
    if (handle_) handle_.destroy();
  }

  /// For one that nobody awaits.
  void begin() { handle_.resume(); }
  [[nodiscard]] bool done() const { return handle_.done(); }
  [[nodiscard]] Value get() const {
    if (handle_.promise().thrown) std::rethrow_exception(handle_.promise().thrown);
    return handle_.promise().value.value();
  }

  static bool await_ready() noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> coroutine) noexcept {
    handle_.promise().continuation = coroutine;
    return handle_;
  }
  Value await_resume() { return get(); }

 private:
  explicit small_task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

/// Suspends coroutines until they are let pass, in the order in which they came. Not thread-safe.
class small_gate {
 public:
  struct awaiter {
    small_gate& gate;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) { gate.waiting_.push_back(coroutine); }
    static void await_resume() noexcept {}
  };
  awaiter operator co_await() noexcept { return {*this}; }

  /// Resumes the first one alone; the others wait on.
  void pass_one() {
    const auto first = waiting_.front();
    waiting_.erase(waiting_.begin());
    first.resume();
  }
  /// A coroutine that waited here has been destroyed.
  void forget_first() { waiting_.erase(waiting_.begin()); }

 private:
  std::vector<std::coroutine_handle<>> waiting_;
};

}  // namespace lodestar::test
