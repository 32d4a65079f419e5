// Loading from coroutines, of any coroutine type.
//
//   task<page> fetch(const std::string& path);
//   …
//   const auto load = [](const std::string& path) { return fetch(path); };
//   const result<page> answer = co_await pages.load(path, load);
//
// The loader is called with the key and returns something to co_await, in a coroutine of this
// header, for a Value or a result<Value>. As get_or_load(): one load for each key, whoever waits
// for it and how; a value that is present is returned without suspending; errors reach all who
// wait as errors, and what the loader throws is thrown from each co_await.
//
// The load begins with the call of load(), the coroutine suspends when it awaits what that
// returned. It is resumed on the thread that completes the load, without a lock, so it may use the
// cache, but must not destroy it there: the cache waits for those who are completing loads.
//
// Destroyed while it is suspended, a coroutine is not answered any more. If its own loader runs,
// the frame of that one is destroyed first and the load is handed over: the next who waits loads
// for himself. As with any coroutine, neither it nor its loader may be running or about to be
// resumed on another thread then. Loaders of others never are at risk.
//
// The loader is moved into the load and lives as long. Where another coroutine may give up on
// another thread, or where refresh_after is set, it may run when the one who brought it is gone: it
// then owns what it uses. It must not await the load of its own key, for which it would wait for
// ever. An exception that a resumed coroutine lets out of resume() ends the process.
//
// Give the loader a name, as above: GCC 12 destroys the captures of a lambda twice that is written
// inside of a co_await expression, whatever is called there.
//
// Thread-safety: load() may be called from any thread; what it returns belongs to one coroutine.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <lodestar/cache/cache.hpp>
#include <lodestar/cache/detail/awaiting.hpp>
#include <lodestar/cache/detail/self_owned.hpp>

namespace lodestar::cache {

namespace detail {

/// What a coroutine, its loader and the flight share.
template <class Cache, class Loader>
class awaited_load : public std::enable_shared_from_this<awaited_load<Cache, Loader>> {
 public:
  using key_type = typename Cache::key_type;
  using value_type = typename Cache::value_type;

  template <class Given>
  explicit awaited_load(Given&& load) : load_(std::forward<Given>(load)) {}

  /// Runs the loader; on its own from its first suspension on.
  void begin(const key_type& key, completion<Cache> complete) {
    frame_ = run(this->shared_from_this(), key, std::move(complete)).handle;
    if (!ownership_.begin()) {
      frame_.destroy();  // which gives the load up
      return;
    }
    // It may destroy itself.
    const auto kept = this->shared_from_this();
    frame_.resume();
    ownership_.rest();
  }
  void answer(const loaded<value_type>& came) noexcept {
    try {
      answer_.emplace(came);
    } catch (...) {
      answer_.emplace(std::current_exception());
    }
    if (phase_.answer()) waiting_.resume();
  }

  [[nodiscard]] bool is_answered() const noexcept { return phase_.is_answered(); }
  [[nodiscard]] bool suspend(std::coroutine_handle<> coroutine) noexcept {
    waiting_ = coroutine;
    return phase_.suspend();
  }
  [[nodiscard]] result<value_type> get() const { return answer_->get(); }
  /// The loader runs for others.
  void detach() noexcept { static_cast<void>(ownership_.leave()); }
  void leave() noexcept {
    phase_.leave();
    if (ownership_.leave()) frame_.destroy();
  }

 private:
  // The key belongs to the flight, which the completion keeps.
  static self_owned run(std::shared_ptr<awaited_load> self, const key_type& key,
                        completion<Cache> complete) {
    std::optional<result<value_type>> brought;
    std::exception_ptr thrown;
    try {
      auto&& awaitable = self->load_(key);
      auto&& got = co_await std::forward<decltype(awaitable)>(awaitable);
      brought.emplace(std::forward<decltype(got)>(got));
    } catch (...) {
      thrown = std::current_exception();
    }
    // Whoever is answered now may be destroyed, and must not destroy what runs.
    self->ownership_.end();
    if (thrown) {
      complete(std::move(thrown));
    } else {
      complete(*std::move(brought));
    }
  }

  Loader load_;
  answer_phase<> phase_;
  frame_ownership<> ownership_;
  std::coroutine_handle<> waiting_;
  std::coroutine_handle<> frame_;
  std::optional<loaded<value_type>> answer_;
};

}  // namespace detail

/// What load() returns: to be awaited once, or destroyed.
template <class Cache, class Loader>
class [[nodiscard]] load_awaiter {
 public:
  using value_type = typename Cache::value_type;

  load_awaiter(const load_awaiter&) = delete;
  load_awaiter& operator=(const load_awaiter&) = delete;
  ~load_awaiter() {
    static_cast<void>(ticket_.cancel());
    load_->leave();
  }

  [[nodiscard]] bool await_ready() const noexcept { return load_->is_answered(); }
  // Not inlined: the coroutine may be resumed and gone before this returns, and a compiler that
  // keeps the result in the frame would write there.
  [[nodiscard, gnu::noinline]] bool await_suspend(std::coroutine_handle<> coroutine) noexcept {
    return load_->suspend(coroutine);
  }
  [[nodiscard]] result<value_type> await_resume() const { return load_->get(); }

 private:
  friend Cache;
  using load_type = detail::awaited_load<Cache, Loader>;

  template <class Given>
  load_awaiter(Cache& from, const typename Cache::key_type& key, Given&& load)
      : load_(std::make_shared<load_type>(std::forward<Given>(load))) {
    ticket_ = from.load_async(
        key,
        [load = load_](const typename Cache::key_type& of, completion<Cache> complete) {
          load->begin(of, std::move(complete));
        },
        [load = load_](const loaded<value_type>& came) { load->answer(came); });
    // What still runs though the answer is there refreshes it.
    if (load_->is_answered()) load_->detach();
  }

  std::shared_ptr<load_type> load_;
  load_ticket<Cache> ticket_;
};

template <class Key, class Value, class Hash, class Equal>
template <class Loader>
auto cache<Key, Value, Hash, Equal>::load(const Key& key, Loader&& loader)
    -> load_awaiter<cache, std::decay_t<Loader>> {
  return load_awaiter<cache, std::decay_t<Loader>>(*this, key, std::forward<Loader>(loader));
}

}  // namespace lodestar::cache
