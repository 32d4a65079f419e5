// A stale-while-revalidate cache for coroutines of any type: a thin view of it.
//
//   task<std::string> fetch(std::string path);
//   …
//   swr::awaitable pages(cache);
//   const auto load = [](const std::string& path) { return fetch(path); };
//   const result<swr::answer<std::string>> page = co_await pages.get_or_load("/", load);
//   co_await pages.remove("/about");
//
// A load is called with the key. It returns something to co_await, in a coroutine of this header,
// for a Value, a loaded<Value> or a result of either; or one of these at once. What it throws
// becomes error_code::internal. It is copied or moved into the cache and may run, also for others,
// when the one who brought it is gone: it owns what it uses. Called on a thread of a tier, it must
// not block it; blocking.hpp is for loads that block.
//
// A call begins at once, the coroutine suspends when it awaits what the call returned; what memory
// can answer is returned without suspending. It is resumed without a lock, on the thread where the
// load or the tier ends, or on the timer's when a timeout was faster; others who wait for the same
// load are answered after it has suspended or ended. An exception that a resumed coroutine lets out
// of resume() ends the process.
//
// Destroyed while it is suspended, a coroutine is not answered any more; its load goes on for the
// others, and is kept. As with any coroutine, it must not be about to be resumed on another thread
// then. The frame of a load belongs to itself: one that is never resumed is never freed, and holds
// the key until load_ms_max.
//
// A load that awaits its own key gets invalid_argument before it has suspended for the first time;
// later it waits for itself until a timeout.
//
// Give a load a name, as above: GCC 12 destroys the captures of a lambda twice that is written
// inside of a co_await expression.
//
// How long: as in cache.hpp, until hard_timeout_ms or load_ms_max, by the cache's timer; changes,
// until the tiers have answered, by their timeouts.
//
// Thread-safety: all members from any thread; what they return belongs to one coroutine. Lifetimes:
// the cache must outlive the view; a call that has begun may outlive both.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <lodestar/base/error.hpp>
#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/detail/awaited_call.hpp>
#include <lodestar/swr/detail/awaited_load.hpp>
#include <lodestar/swr/detail/brought.hpp>
#include <lodestar/swr/detail/finding.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr {

/// What the calls return: to be awaited once, or destroyed.
template <class Answer>
class [[nodiscard]] call_awaiter {
 public:
  using call = std::shared_ptr<detail::awaited_call<Answer>>;

  explicit call_awaiter(Answer known) : known_(std::move(known)) {}
  /// `begin` is given the call to answer.
  template <class Begin>
    requires std::is_invocable_v<Begin, call>
  explicit call_awaiter(Begin&& begin) : call_(std::make_shared<detail::awaited_call<Answer>>()) {
    begin(call_);
  }
  call_awaiter(const call_awaiter&) = delete;
  call_awaiter& operator=(const call_awaiter&) = delete;
  ~call_awaiter() {
    if (call_) call_->leave();
  }

  [[nodiscard]] bool await_ready() const noexcept { return !call_ || call_->is_answered(); }
  // Not inlined: the coroutine may be resumed and gone before this returns, and a compiler that
  // keeps the result in the frame would write there.
  [[nodiscard, gnu::noinline]] bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
    return call_->suspend(coroutine);
  }
  Answer await_resume() { return call_ ? call_->take() : *std::move(known_); }

 private:
  std::optional<Answer> known_;
  call call_;
};

template <class Cache>
class awaitable {
 public:
  using key_type = typename Cache::key_type;
  using value_type = typename Cache::value_type;
  using answer_type = answer<value_type>;
  using found = result<std::optional<answer_type>>;

  explicit awaitable(Cache& below) noexcept : below_(below) {}

  // Without options a call goes by the cache's defaults.

  /// What memory or a tier has; an empty optional when none has it. Never loads.
  call_awaiter<found> get(const key_type& key) { return get(key, defaults()); }
  call_awaiter<found> get(const key_type& key, const call_options& allowed,
                          const demand& wanted = {});

  /// What memory or a tier has, or what the load brings, once for all who ask.
  template <class Load>
  call_awaiter<result<answer_type>> get_or_load(const key_type& key, Load&& load) {
    return get_or_load(key, std::forward<Load>(load), defaults());
  }
  template <class Load>
  call_awaiter<result<answer_type>> get_or_load(const key_type& key, Load&& load,
                                                const call_options& allowed,
                                                const demand& wanted = {});

  // In memory when the call returns, and in all tiers when the coroutine goes on without an error:
  // with one, a tier takes it later.

  /// Content: a Value or a loaded<Value>.
  template <class Content>
  call_awaiter<result<void>> set(const key_type& key, Content&& content) {
    return set(key, std::forward<Content>(content), defaults());
  }
  template <class Content>
  call_awaiter<result<void>> set(const key_type& key, Content&& content,
                                 const call_options& allowed);
  call_awaiter<result<void>> remove(const key_type& key);
  /// All entries that have the tag.
  call_awaiter<result<void>> remove_by_tag(const std::string& tag);
  call_awaiter<result<void>> clear();

 private:
  [[nodiscard]] const call_options& defaults() const noexcept { return below_.settings().defaults; }
  [[nodiscard]] static store::ended telling(typename call_awaiter<result<void>>::call call) {
    return [call = std::move(call)](result<void> told) { call->answer(std::move(told)); };
  }

  Cache& below_;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Cache>
auto awaitable<Cache>::get(const key_type& key, const call_options& allowed, const demand& wanted)
    -> call_awaiter<found> {
  if (auto present = below_.peek_before_load(key, allowed, wanted)) {
    return call_awaiter<found>(found(std::move(present)));
  }
  return call_awaiter<found>([&](const auto& call) {
    below_.get(key, allowed, wanted, [call](result<answer_type> what) {
      call->answer(detail::as_found(std::move(what)));
    });
  });
}

template <class Cache>
template <class Load>
auto awaitable<Cache>::get_or_load(const key_type& key, Load&& load, const call_options& allowed,
                                   const demand& wanted) -> call_awaiter<result<answer_type>> {
  using awaiter = call_awaiter<result<answer_type>>;
  if (auto present = detail::find_fresh(below_, key, allowed, wanted)) {
    return awaiter(result<answer_type>(*std::move(present)));
  }
  return awaiter([&](const auto& call) {
    below_.get_or_load(
        key, allowed, wanted,
        [key, load = std::decay_t<Load>(std::forward<Load>(load))](
            typename Cache::done completed) mutable {
          detail::run_load<Cache>(std::move(load), key, std::move(completed)).handle.resume();
        },
        [call](result<answer_type> what) { call->answer(std::move(what)); });
  });
}

template <class Cache>
template <class Content>
auto awaitable<Cache>::set(const key_type& key, Content&& content, const call_options& allowed)
    -> call_awaiter<result<void>> {
  auto given = detail::as_loaded<value_type>(std::forward<Content>(content));
  if (!given) return call_awaiter<result<void>>(std::unexpected(std::move(given.error())));
  return call_awaiter<result<void>>(
      [&](const auto& call) { below_.set(key, *std::move(given), allowed, telling(call)); });
}

template <class Cache>
auto awaitable<Cache>::remove(const key_type& key) -> call_awaiter<result<void>> {
  return call_awaiter<result<void>>([&](const auto& call) { below_.remove(key, telling(call)); });
}

template <class Cache>
auto awaitable<Cache>::remove_by_tag(const std::string& tag) -> call_awaiter<result<void>> {
  return call_awaiter<result<void>>(
      [&](const auto& call) { below_.remove_by_tag(tag, telling(call)); });
}

template <class Cache>
auto awaitable<Cache>::clear() -> call_awaiter<result<void>> {
  return call_awaiter<result<void>>([&](const auto& call) { below_.clear(telling(call)); });
}

}  // namespace lodestar::swr
