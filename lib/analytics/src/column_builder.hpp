// Collects one column of a DuckDB result, chunk by chunk, in the buffers of an Arrow array.
//
// DuckDB's types become the six of value_type: all integers and decimals without fraction are
// `integer` when every value fits into 64 bits, else `number`; decimals are `number`; enums are
// `text`; timestamps of every unit are microseconds. Slots of nulls hold zeros, so that equal
// content gives equal bytes.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <string>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/base/error.hpp>

#include "duckdb_raii.hpp"

namespace lodestar::analytics {

/// As wide as DuckDB's HUGEINT.
__extension__ using int128 = __int128;

class column_builder {
 public:
  /// Whether values of the type can be collected; others must be cast to VARCHAR in SQL.
  [[nodiscard]] static bool supports(duckdb_type type) noexcept;

  column_builder(std::string name, duckdb_logical_type type);

  void append(duckdb_vector vector, std::size_t rows);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] value_type type() const noexcept { return type_; }
  [[nodiscard]] std::int64_t nulls() const noexcept { return nulls_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return values_.size() + offsets_.size() * sizeof(std::int32_t) + validity_.size();
  }

  /// The Arrow buffers. Validity is empty when nothing is null; offsets are there for texts only.
  [[nodiscard]] const std::vector<std::uint8_t>& validity() const noexcept { return validity_; }
  [[nodiscard]] const std::vector<std::int32_t>& offsets() const noexcept { return offsets_; }
  [[nodiscard]] const std::vector<std::uint8_t>& values() const noexcept { return values_; }

 private:
  struct source {
    const void* data;
    const std::uint64_t* validity;  ///< Null: no nulls.
    std::size_t rows;
    [[nodiscard]] bool valid(std::size_t row) const noexcept {
      return validity == nullptr || ((validity[row / 64] >> (row % 64)) & 1U) != 0;
    }
  };

  void append_validity(const source& from);
  void append_booleans(const source& from);
  void append_texts(const source& from);
  void append_enums(const source& from);
  void append_wide(const source& from);
  void append_decimals(const source& from);
  template <class Stored, class Convert>
  void append_fixed(const source& from, Convert convert);
  template <class Value>
  void push(Value value);
  void push_text(const char* data, std::size_t size);
  void push_integer_or_number(int128 value);
  void become_number();

  std::string name_;
  duckdb_type stored_;
  value_type type_;
  duckdb_type narrow_ = DUCKDB_TYPE_INVALID;  ///< What an enum or decimal is stored as.
  double decimal_divisor_ = 1;
  std::vector<std::string> dictionary_;  ///< Of an enum.

  std::size_t rows_ = 0;
  std::int64_t nulls_ = 0;
  std::vector<std::uint8_t> validity_;
  std::vector<std::int32_t> offsets_;
  std::vector<std::uint8_t> values_;
};

}  // namespace lodestar::analytics
