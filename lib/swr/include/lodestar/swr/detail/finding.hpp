// What blocking.hpp and awaitable.hpp do alike: the hit that most calls are, and what is nowhere.
#pragma once

#include <optional>
#include <utility>

#include <lodestar/base/error.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr::detail {

/// What memory has, when that needs neither a load nor a revalidation: without making anything that
/// waits. A miss is not counted.
template <class Cache>
[[nodiscard]] std::optional<answer<typename Cache::value_type>> find_fresh(
    Cache& cache, const typename Cache::key_type& key, const call_options& allowed, demand wanted) {
  if (allowed.eager_refresh < 1) return std::nullopt;
  wanted.allow_stale = false;
  return cache.peek_before_load(key, allowed, wanted);
}

/// A key that is nowhere is no error. Not inlined: at -O3 GCC 12 takes the value of a moved result
/// for uninitialised.
template <class Value>
[[nodiscard, gnu::noinline]] result<std::optional<answer<Value>>> as_found(
    result<answer<Value>>&& what) {
  if (what) return std::optional<answer<Value>>(*std::move(what));
  if (what.error().code == error_code::not_found) return std::optional<answer<Value>>();
  return std::unexpected(std::move(what.error()));
}

}  // namespace lodestar::swr::detail
