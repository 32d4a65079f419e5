// A coroutine that waits for the answer of a cache (awaitable.hpp).
//
// Thread-safety: answer() once, from any thread; the others by the coroutine. Lifetimes: shared by
// the coroutine and the cache, which may answer when the coroutine is gone.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include <lodestar/cache/detail/awaiting.hpp>

namespace lodestar::swr::detail {

template <class Answer>
class awaited_call {
 public:
  void answer(Answer what) noexcept {
    answer_.emplace(std::move(what));
    if (phase_.answer()) waiting_.resume();
  }

  [[nodiscard]] bool is_answered() const noexcept { return phase_.is_answered(); }
  [[nodiscard]] bool suspend(std::coroutine_handle<> coroutine) noexcept {
    waiting_ = coroutine;
    return phase_.suspend();
  }
  [[nodiscard]] Answer take() { return *std::move(answer_); }
  void leave() noexcept { phase_.leave(); }

 private:
  ::lodestar::cache::detail::answer_phase<> phase_;
  std::coroutine_handle<> waiting_;
  std::optional<Answer> answer_;
};

}  // namespace lodestar::swr::detail
