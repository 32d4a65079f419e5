// A query's result: an immutable block of bytes, an Arrow IPC stream, with what is needed to read
// it in place.
//
// Thread-safe to read from any thread. json() and csv() are made once, at the first call, on the
// calling thread, and shared; of a large result that takes long (about 10 ms for each MB): not on a
// thread that others wait for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/base/bytes.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/hash.hpp>

namespace lodestar::analytics {

/// One cell. Timestamps are microseconds since 1970-01-01 UTC, dates are days since then (both as
/// std::int64_t, told apart by the column's type). Texts point into the result.
using cell = std::variant<std::monostate, bool, std::int64_t, double, std::string_view>;

struct column {
  std::string name;
  value_type type = value_type::text;
};

/// Where the cells of a column lie in the Arrow bytes; column_view.hpp reads them.
struct column_buffers {
  value_type type = value_type::text;
  std::size_t rows = 0;
  const std::uint8_t* validity = nullptr;  ///< A bit for each row that has a value; null: all have.
  const std::int32_t* offsets = nullptr;   ///< Of texts: one more than rows. Aligned, as values.
  const std::uint8_t* values = nullptr;
};

class query_result {
 public:
  virtual ~query_result() = default;

  [[nodiscard]] virtual const std::vector<column>& columns() const noexcept = 0;
  [[nodiscard]] virtual std::size_t rows() const noexcept = 0;
  /// row < rows(), column < columns().size().
  [[nodiscard]] virtual cell at(std::size_t row, std::size_t column) const = 0;
  /// One for each column.
  [[nodiscard]] virtual std::span<const column_buffers> buffers() const noexcept = 0;

  [[nodiscard]] virtual const shared_bytes& arrow() const noexcept = 0;
  /// {"columns":[{"name":…,"type":…}…],"rows":[[…]…]}; timestamps as RFC 3339, dates as YYYY-MM-DD,
  /// NaN and infinities as null.
  /// too_large when the text would exceed what a result may have (options::result_bytes_max).
  [[nodiscard]] virtual const result<shared_bytes>& json() const = 0;
  /// RFC 4180 with a header line and CRLF; too_large as above.
  [[nodiscard]] virtual const result<shared_bytes>& csv() const = 0;

  /// A hash of the Arrow bytes: equal content, equal digest. The ETag and "did this tile change"
  /// come from it.
  [[nodiscard]] virtual const hash128& digest() const noexcept = 0;
};

using query_result_ptr = std::shared_ptr<const query_result>;

}  // namespace lodestar::analytics
