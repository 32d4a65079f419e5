// What a load brought.
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <lodestar/base/error.hpp>

namespace lodestar::cache {

/// A value, an error of the loader, or what it threw. Thread-safety: as any value.
template <class Value>
class loaded {
 public:
  /// A value or a result.
  template <class Brought>
    requires std::convertible_to<Brought, result<Value>>
  explicit loaded(Brought&& brought) {
    if constexpr (std::same_as<std::remove_cvref_t<Brought>, result<Value>>) {
      if (brought) {
        value_.emplace(*std::forward<Brought>(brought));
      } else {
        failure_.emplace(std::forward<Brought>(brought).error());
      }
    } else if constexpr (std::convertible_to<Brought, std::unexpected<error>>) {
      failure_.emplace(std::unexpected<error>(std::forward<Brought>(brought)).error());
    } else {
      value_.emplace(std::forward<Brought>(brought));
    }
  }
  explicit loaded(std::exception_ptr thrown) : thrown_(std::move(thrown)) {}

  /// A copy; throws what the loader threw.
  [[nodiscard]] result<Value> get() const {
    if (thrown_) std::rethrow_exception(thrown_);
    if (failure_) return std::unexpected(*failure_);
    return *value_;
  }
  /// Null when it is no value.
  [[nodiscard]] const Value* value() const noexcept { return value_ ? &*value_ : nullptr; }
  /// Null when it is no error.
  [[nodiscard]] const error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }

 private:
  // One of them.
  std::optional<Value> value_;
  std::optional<error> failure_;
  std::exception_ptr thrown_;
};

}  // namespace lodestar::cache
