// What the function of a caller has brought, or thrown, as the core takes it.
#pragma once

#include <concepts>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

#include <lodestar/base/error.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr::detail {

/// In a handler of an exception: the error that callers get.
[[nodiscard]] inline error error_of_thrown() {
  try {
    throw;
  } catch (const std::exception& problem) {
    return fail(error_code::internal, std::string("the loader threw: ") + problem.what()).error();
  } catch (...) {
    return fail(error_code::internal, "the loader threw something that is not a std::exception")
        .error();
  }
}

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

/// Of a Value, a loaded<Value>, or a result of either.
template <class Value, class Brought>
[[nodiscard]] result<loaded<Value>> as_loaded(Brought&& brought) {
  using plain = std::remove_cvref_t<Brought>;
  if constexpr (std::same_as<plain, loaded<Value>>) {
    return std::forward<Brought>(brought);
  } else if constexpr (is_result<plain> && !std::same_as<plain, Value>) {
    if (!brought) return std::unexpected(std::forward<Brought>(brought).error());
    return as_loaded<Value>(*std::forward<Brought>(brought));
  } else {
    static_assert(std::convertible_to<Brought, Value>,
                  "a load brings a Value, a loaded<Value>, or a result of either");
    return loaded<Value>{.value = std::forward<Brought>(brought)};
  }
}

}  // namespace lodestar::swr::detail
