#include "column_builder.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::analytics {
namespace {

constexpr std::int64_t infinity_us = std::numeric_limits<std::int64_t>::max();

/// A timestamp of another unit; DuckDB's infinities stay what they are, and what does not fit
/// becomes one.
std::int64_t scaled_us(std::int64_t value, std::int64_t factor) noexcept {
  if (value == infinity_us || value == -infinity_us) return value;
  std::int64_t scaled = 0;
  return __builtin_mul_overflow(value, factor, &scaled) ? (value < 0 ? -infinity_us : infinity_us)
                                                        : scaled;
}

std::int64_t nanoseconds_to_us(std::int64_t value) noexcept {
  if (value == infinity_us || value == -infinity_us) return value;
  return value / 1000 - (value % 1000 < 0 ? 1 : 0);
}

int128 widened(duckdb_hugeint value) noexcept {
  return (static_cast<int128>(value.upper) << 64) | static_cast<int128>(value.lower);
}

value_type result_type(duckdb_type type, duckdb_logical_type logical) noexcept {
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN: return value_type::boolean;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_UHUGEINT:  // Beyond any integer of ours; DuckDB makes one only when asked by
                                // name.
    case DUCKDB_TYPE_DOUBLE: return value_type::number;
    case DUCKDB_TYPE_DECIMAL:
      return duckdb_decimal_scale(logical) == 0 ? value_type::integer : value_type::number;
    case DUCKDB_TYPE_DATE: return value_type::date;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ: return value_type::timestamp;
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_SQLNULL: return value_type::text;
    default: return value_type::integer;
  }
}

std::vector<std::string> enum_dictionary(duckdb_logical_type logical) {
  std::vector<std::string> dictionary(duckdb_enum_dictionary_size(logical));
  for (std::size_t index = 0; index < dictionary.size(); ++index) {
    char* value = duckdb_enum_dictionary_value(logical, index);
    dictionary[index] = value;
    duckdb_free(value);
  }
  return dictionary;
}

void set_bit(std::vector<std::uint8_t>& bits, std::size_t index) {
  bits[index / 8] = static_cast<std::uint8_t>(bits[index / 8] | (1U << (index % 8)));
}

}  // namespace

bool column_builder::supports(duckdb_type type) noexcept {
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_SQLNULL: return true;
    default: return false;
  }
}

column_builder::column_builder(std::string name, duckdb_logical_type type)
    : name_(std::move(name)), stored_(duckdb_get_type_id(type)), type_(result_type(stored_, type)) {
  LODESTAR_ASSERT(supports(stored_), "other types are cast to VARCHAR first");
  if (type_ == value_type::text) offsets_.push_back(0);
  if (stored_ == DUCKDB_TYPE_ENUM) {
    narrow_ = duckdb_enum_internal_type(type);
    dictionary_ = enum_dictionary(type);
  }
  if (stored_ == DUCKDB_TYPE_DECIMAL) {
    narrow_ = duckdb_decimal_internal_type(type);
    decimal_divisor_ = std::pow(10.0, duckdb_decimal_scale(type));
  }
}

void column_builder::append(duckdb_vector vector, std::size_t rows) {
  const source from{duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector), rows};
  append_validity(from);
  const auto integer = [](auto value) { return static_cast<std::int64_t>(value); };
  const auto number = [](auto value) { return static_cast<double>(value); };
  switch (stored_) {
    case DUCKDB_TYPE_BOOLEAN: append_booleans(from); break;
    case DUCKDB_TYPE_TINYINT: append_fixed<std::int8_t>(from, integer); break;
    case DUCKDB_TYPE_SMALLINT: append_fixed<std::int16_t>(from, integer); break;
    case DUCKDB_TYPE_INTEGER: append_fixed<std::int32_t>(from, integer); break;
    case DUCKDB_TYPE_BIGINT: append_fixed<std::int64_t>(from, integer); break;
    case DUCKDB_TYPE_UTINYINT: append_fixed<std::uint8_t>(from, integer); break;
    case DUCKDB_TYPE_USMALLINT: append_fixed<std::uint16_t>(from, integer); break;
    case DUCKDB_TYPE_UINTEGER: append_fixed<std::uint32_t>(from, integer); break;
    case DUCKDB_TYPE_FLOAT: append_fixed<float>(from, number); break;
    case DUCKDB_TYPE_DOUBLE: append_fixed<double>(from, number); break;
    case DUCKDB_TYPE_UHUGEINT:
      append_fixed<duckdb_uhugeint>(from, duckdb_uhugeint_to_double);
      break;
    case DUCKDB_TYPE_DATE:
      append_fixed<std::int32_t>(from, [](std::int32_t days) { return days; });
      break;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ: append_fixed<std::int64_t>(from, integer); break;
    case DUCKDB_TYPE_TIMESTAMP_S:
      append_fixed<std::int64_t>(from,
                                 [](std::int64_t value) { return scaled_us(value, 1'000'000); });
      break;
    case DUCKDB_TYPE_TIMESTAMP_MS:
      append_fixed<std::int64_t>(from, [](std::int64_t value) { return scaled_us(value, 1'000); });
      break;
    case DUCKDB_TYPE_TIMESTAMP_NS: append_fixed<std::int64_t>(from, nanoseconds_to_us); break;
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT: append_wide(from); break;
    case DUCKDB_TYPE_DECIMAL: append_decimals(from); break;
    case DUCKDB_TYPE_ENUM: append_enums(from); break;
    case DUCKDB_TYPE_SQLNULL:
    default: append_texts(from); break;
  }
  rows_ += rows;
}

void column_builder::append_validity(const source& from) {
  // SQLNULL has no validity mask of its own that could be relied on: everything is null.
  const bool all_null = stored_ == DUCKDB_TYPE_SQLNULL;
  const std::size_t rows_after = rows_ + from.rows;
  if (!validity_.empty()) validity_.resize((rows_after + 7) / 8);
  for (std::size_t row = 0; row < from.rows; ++row) {
    const bool valid = !all_null && from.valid(row);
    if (!valid && validity_.empty()) {
      validity_.resize((rows_after + 7) / 8);
      for (std::size_t earlier = 0; earlier < rows_ + row; ++earlier) set_bit(validity_, earlier);
    }
    if (!valid) ++nulls_;
    if (valid && !validity_.empty()) set_bit(validity_, rows_ + row);
  }
}

void column_builder::append_booleans(const source& from) {
  const auto* data = static_cast<const bool*>(from.data);
  values_.resize((rows_ + from.rows + 7) / 8);
  for (std::size_t row = 0; row < from.rows; ++row) {
    if (from.valid(row) && data[row]) set_bit(values_, rows_ + row);
  }
}

void column_builder::append_texts(const source& from) {
  // A copy, as duckdb_string_t_data wants a pointer it may write through.
  const auto* data = static_cast<const duckdb_string_t*>(from.data);
  for (std::size_t row = 0; row < from.rows; ++row) {
    if (stored_ == DUCKDB_TYPE_SQLNULL || !from.valid(row)) {
      push_text(nullptr, 0);
      continue;
    }
    duckdb_string_t text = data[row];
    push_text(duckdb_string_t_data(&text), duckdb_string_t_length(text));
  }
}

void column_builder::append_enums(const source& from) {
  for (std::size_t row = 0; row < from.rows; ++row) {
    if (!from.valid(row)) {
      push_text(nullptr, 0);
      continue;
    }
    const std::size_t index =
        narrow_ == DUCKDB_TYPE_UTINYINT    ? static_cast<const std::uint8_t*>(from.data)[row]
        : narrow_ == DUCKDB_TYPE_USMALLINT ? static_cast<const std::uint16_t*>(from.data)[row]
                                           : static_cast<const std::uint32_t*>(from.data)[row];
    push_text(dictionary_[index].data(), dictionary_[index].size());
  }
}

void column_builder::append_wide(const source& from) {
  for (std::size_t row = 0; row < from.rows; ++row) {
    if (!from.valid(row)) {
      push(std::int64_t{0});
    } else if (stored_ == DUCKDB_TYPE_UBIGINT) {
      push_integer_or_number(static_cast<const std::uint64_t*>(from.data)[row]);
    } else {
      push_integer_or_number(widened(static_cast<const duckdb_hugeint*>(from.data)[row]));
    }
  }
}

void column_builder::append_decimals(const source& from) {
  const bool whole = decimal_divisor_ == 1;
  for (std::size_t row = 0; row < from.rows; ++row) {
    int128 value = 0;
    if (from.valid(row)) {
      value = narrow_ == DUCKDB_TYPE_SMALLINT  ? static_cast<const std::int16_t*>(from.data)[row]
              : narrow_ == DUCKDB_TYPE_INTEGER ? static_cast<const std::int32_t*>(from.data)[row]
              : narrow_ == DUCKDB_TYPE_BIGINT
                  ? static_cast<const std::int64_t*>(from.data)[row]
                  : widened(static_cast<const duckdb_hugeint*>(from.data)[row]);
    }
    whole ? push_integer_or_number(value) : push(static_cast<double>(value) / decimal_divisor_);
  }
}

template <class Stored, class Convert>
void column_builder::append_fixed(const source& from, Convert convert) {
  using value = decltype(convert(Stored{}));
  const auto* data = static_cast<const Stored*>(from.data);
  const std::size_t begin = values_.size();
  values_.resize(begin + from.rows * sizeof(value));
  for (std::size_t row = 0; row < from.rows; ++row) {
    const value converted = from.valid(row) ? convert(data[row]) : value{};
    std::memcpy(values_.data() + begin + row * sizeof(value), &converted, sizeof(value));
  }
}

template <class Value>
void column_builder::push(Value value) {
  const std::size_t begin = values_.size();
  values_.resize(begin + sizeof(value));
  std::memcpy(values_.data() + begin, &value, sizeof(value));
}

void column_builder::push_text(const char* data, std::size_t size) {
  if (size > 0) values_.insert(values_.end(), data, data + size);
  // The caller bounds a result far below 2 GiB after each chunk, and a chunk's texts are counted
  // there too.
  offsets_.push_back(static_cast<std::int32_t>(values_.size()));
}

void column_builder::push_integer_or_number(int128 value) {
  const bool fits = value >= std::numeric_limits<std::int64_t>::min() &&
                    value <= std::numeric_limits<std::int64_t>::max();
  if (type_ == value_type::integer && !fits) become_number();
  type_ == value_type::integer ? push(static_cast<std::int64_t>(value))
                               : push(static_cast<double>(value));
}

void column_builder::become_number() {
  type_ = value_type::number;
  for (std::size_t at = 0; at < values_.size(); at += sizeof(std::int64_t)) {
    std::int64_t integer = 0;
    std::memcpy(&integer, values_.data() + at, sizeof(integer));
    const auto number = static_cast<double>(integer);
    std::memcpy(values_.data() + at, &number, sizeof(number));
  }
}

}  // namespace lodestar::analytics
