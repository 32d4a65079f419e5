// The load of a coroutine: something to await, or a plain function (awaitable.hpp).
#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include <lodestar/base/error.hpp>
#include <lodestar/cache/detail/self_owned.hpp>
#include <lodestar/swr/detail/brought.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr::detail {

template <class T>
concept awaiter = requires(T& each) {
  each.await_ready();
  each.await_resume();
};
/// What can stand behind co_await in a coroutine of any type.
template <class T>
concept awaits = awaiter<T> || requires(T&& each) { std::forward<T>(each).operator co_await(); } ||
                 requires(T&& each) { operator co_await(std::forward<T>(each)); };

/// Runs the load and completes the flight with what it brings. The load and the key live in the
/// frame, which goes when the load has ended.
template <class Cache, class Load>
::lodestar::cache::detail::self_owned run_load(Load load, const typename Cache::key_type key,
                                               typename Cache::done completed) {
  using value_type = typename Cache::value_type;
  std::optional<result<loaded<value_type>>> brought;
  try {
    if constexpr (awaits<std::invoke_result_t<Load&, const typename Cache::key_type&>>) {
      auto&& begun = std::invoke(load, key);
      auto&& got = co_await std::forward<decltype(begun)>(begun);
      brought.emplace(as_loaded<value_type>(std::forward<decltype(got)>(got)));
    } else {
      brought.emplace(as_loaded<value_type>(std::invoke(load, key)));
    }
  } catch (...) {
    brought.emplace(std::unexpected(error_of_thrown()));
  }
  completed(*std::move(brought));
  co_return;
}

}  // namespace lodestar::swr::detail
