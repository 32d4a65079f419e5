// Stores and backplanes end their threads when they are destroyed, so none may be destroyed by a
// handler that it calls on one of them. What holds the last reference there leaves it to the timer.
#pragma once

#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/scheduler.hpp>

namespace lodestar::swr::detail {

/// While one exists, this thread is inside a handler that a store or a backplane calls.
class handler_scope {
 public:
  handler_scope() noexcept { ++depth(); }
  ~handler_scope() { --depth(); }
  handler_scope(const handler_scope&) = delete;
  handler_scope& operator=(const handler_scope&) = delete;
  [[nodiscard]] static bool is_inside() noexcept { return depth() > 0; }

 private:
  [[nodiscard]] static int& depth() noexcept {
    thread_local int handlers = 0;
    return handlers;
  }
};

/// The handler, so that it runs and is destroyed inside a scope. It is called once.
template <class Handler>
[[nodiscard]] auto in_scope(Handler handler) {
  return [handler = std::move(handler)](auto&&... what) mutable {
    const handler_scope inside;
    Handler here = std::move(handler);  // destroyed first
    here(std::forward<decltype(what)>(what)...);
  };
}

/// Lets go of a reference, elsewhere if need be.
template <class Pointer>
void release(Pointer&& reference, scheduler& timer) {
  if (reference == nullptr || !handler_scope::is_inside()) return;
  const auto last = std::make_shared<std::remove_reference_t<Pointer>>(std::move(reference));
  // A timer that is full takes nothing: a thread for that one reference then.
  if (!timer.post_at(steady_time::min(), [last] { last->reset(); }))
    std::thread([last] { last->reset(); }).detach();
}

}  // namespace lodestar::swr::detail
