// The columns of a result in place: the values of a column one behind the other, as they lie in the
// Arrow bytes. Nothing is copied, decoded or allocated.
//
//   const number_view mean = *numbers(*result, 1);
//   const text_view name = *texts(*result, 0);
//   for (std::size_t row = 0; row < mean.values.size(); ++row)
//     if (mean.valid[row]) use(name[row], mean.values[row]);
//
// Whoever wants single cells asks query_result::at(), which costs several times as much for each.
//
// Thread-safety: to be read from any thread. Lifetimes: a view is good as long as its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <lodestar/analytics/query_result.hpp>

namespace lodestar::analytics {

/// Which rows have a value; what stands in the place of one that has none means nothing.
class validity_view {
 public:
  explicit validity_view(const std::uint8_t* bits) noexcept : bits_(bits) {}
  /// All rows have one.
  [[nodiscard]] bool all() const noexcept { return bits_ == nullptr; }
  [[nodiscard]] bool operator[](std::size_t row) const noexcept {
    return bits_ == nullptr || ((unsigned{bits_[row / 8]} >> (row % 8)) & 1U) != 0;
  }

 private:
  const std::uint8_t* bits_;
};

template <class Value>
struct values_view {
  std::span<const Value> values;
  validity_view valid;
};
using number_view = values_view<double>;
using integer_view = values_view<std::int64_t>;

class text_view {
 public:
  text_view(std::span<const std::int32_t> offsets, const char* bytes,
            validity_view validity) noexcept
      : valid(validity), offsets_(offsets), bytes_(bytes) {}

  [[nodiscard]] std::size_t size() const noexcept { return offsets_.size() - 1; }
  /// Empty where there is none.
  [[nodiscard]] std::string_view operator[](std::size_t row) const noexcept {
    const auto begin = static_cast<std::size_t>(offsets_[row]);
    return {bytes_ + begin, static_cast<std::size_t>(offsets_[row + 1]) - begin};
  }

  validity_view valid;

 private:
  std::span<const std::int32_t> offsets_;  // one more than rows
  const char* bytes_;
};

/// A column of the type `number`; nothing when it is of another one, or there are not so many.
[[nodiscard]] std::optional<number_view> numbers(const query_result& from,
                                                 std::size_t column) noexcept;
/// A column of the type `integer` or `timestamp`.
[[nodiscard]] std::optional<integer_view> integers(const query_result& from,
                                                   std::size_t column) noexcept;
/// A column of the type `text`.
[[nodiscard]] std::optional<text_view> texts(const query_result& from, std::size_t column) noexcept;

// --- implementation

namespace detail {

/// The column if it is of one of these types; else null.
template <class... Types>
[[nodiscard]] const column_buffers* find_column(const query_result& from, std::size_t column,
                                                Types... types) noexcept {
  const std::span<const column_buffers> all = from.buffers();
  if (column >= all.size()) return nullptr;
  return ((all[column].type == types) || ...) ? &all[column] : nullptr;
}

template <class Value>
[[nodiscard]] values_view<Value> view_values(const column_buffers& place) noexcept {
  return {std::span(reinterpret_cast<const Value*>(place.values), place.rows),
          validity_view(place.validity)};
}

}  // namespace detail

inline std::optional<number_view> numbers(const query_result& from, std::size_t column) noexcept {
  const auto* const place = detail::find_column(from, column, value_type::number);
  if (place == nullptr) return std::nullopt;
  return detail::view_values<double>(*place);
}

inline std::optional<integer_view> integers(const query_result& from, std::size_t column) noexcept {
  const auto* const place =
      detail::find_column(from, column, value_type::integer, value_type::timestamp);
  if (place == nullptr) return std::nullopt;
  return detail::view_values<std::int64_t>(*place);
}

inline std::optional<text_view> texts(const query_result& from, std::size_t column) noexcept {
  const auto* const place = detail::find_column(from, column, value_type::text);
  if (place == nullptr) return std::nullopt;
  return text_view({place->offsets, place->rows + 1}, reinterpret_cast<const char*>(place->values),
                   validity_view(place->validity));
}

}  // namespace lodestar::analytics
