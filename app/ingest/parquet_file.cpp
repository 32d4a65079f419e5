#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lodestar/analytics/row_reader.hpp>
#include <lodestar/analytics/sql_quote.hpp>

#include "config/text.hpp"
#include "ingest/event_source.hpp"
#include "ingest/row_mapper.hpp"

namespace lodestar::app {
namespace {

using analytics::quote_identifier;
using analytics::quote_literal;
using analytics::value_type;

struct file_column {
  std::string name;
  std::string type;  // DuckDB's name of it
};

/// The file's name as a pattern that matches it alone.
std::string pattern_of(const std::filesystem::path& file) {
  std::string pattern;
  for (const char character : std::filesystem::absolute(file).string()) {
    if (character == '*' || character == '?' || character == '[')
      pattern += fmt::format("[{}]", character);
    else
      pattern += character;
  }
  return pattern;
}

result<std::vector<file_column>> columns_of(const std::string& from) {
  auto reader = analytics::row_reader::open(
      fmt::format("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {})", from), ".");
  if (!reader) return std::unexpected(std::move(reader.error()));
  std::vector<file_column> columns;
  for (;;) {
    const auto rows = (*reader)->next_chunk();
    if (!rows) return std::unexpected(rows.error());
    if (*rows == 0) return columns;
    for (std::size_t row = 0; row < *rows; ++row) {
      columns.push_back({std::string((*reader)->at(row, 0).value_or("")),
                         std::string((*reader)->at(row, 1).value_or(""))});
    }
  }
}

result<std::uint64_t> count_rows(const std::string& from) {
  auto reader = analytics::row_reader::open(fmt::format("SELECT count(*) FROM {}", from), ".");
  if (!reader) return std::unexpected(std::move(reader.error()));
  const auto rows = (*reader)->next_chunk();
  if (!rows) return std::unexpected(rows.error());
  const auto count = *rows == 1 ? (*reader)->at(0, 0) : std::nullopt;
  return static_cast<std::uint64_t>(parse_integer(count.value_or("")).value_or(0));
}

/// The column as the text that event_reader wants of the field; what has another type is cast to
/// text by row_reader and judged by row_mapper.
std::string select_expression(const file_column& column, const analytics::event_definition& event) {
  const std::string name = quote_identifier(column.name);
  const auto field = std::ranges::find(event.fields, column.name, &analytics::field::name);
  const bool is_timestamp = column.type.starts_with("TIMESTAMP");
  if (field == event.fields.end() || (!is_timestamp && column.type != "DATE")) return name;
  const std::string timestamp = fmt::format("CAST({} AS TIMESTAMP)", name);
  if (field->type == value_type::timestamp)
    return fmt::format("strftime({}, '%Y-%m-%dT%H:%M:%S.%fZ')", timestamp);
  if (field->type == value_type::date && is_timestamp) {
    // Tools that have no dates write midnights; any other time of day would be cut off.
    return fmt::format(
        "CASE WHEN {0} = date_trunc('day', {0}) THEN strftime({0}, '%Y-%m-%d') ELSE CAST({1} AS "
        "VARCHAR) END",
        timestamp, name);
  }
  return name;
}

std::string select_of(const std::vector<file_column>& columns, const std::string& from,
                      const analytics::event_definition& event) {
  std::vector<std::string> expressions;
  for (const auto& column : columns) {
    expressions.push_back(
        fmt::format("{} AS {}", select_expression(column, event), quote_identifier(column.name)));
  }
  return fmt::format("SELECT {} FROM {}", fmt::join(expressions, ", "), from);
}

class parquet_file final : public event_source {
 public:
  parquet_file(const std::filesystem::path& file, std::unique_ptr<analytics::row_reader> texts,
               std::uint64_t rows_total, row_mapper rows, const project& configuration)
      : event_source(file, fmt::format("{}: row ", file.filename().string())),
        texts_(std::move(texts)),
        rows_total_(rows_total),
        rows_(std::move(rows)),
        cells_(texts_->columns().size()),
        reader_(configuration.events, system_clock(), system_random()) {}

  [[nodiscard]] double progress() const override {
    return rows_total_ == 0
               ? 1.0
               : std::min(1.0, static_cast<double>(rows_read_) / static_cast<double>(rows_total_));
  }
  [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }

 protected:
  [[nodiscard]] result<std::optional<log::new_event>> read() override {
    ++rows_read_;
    if (row_ == chunk_rows_) {
      const auto rows = texts_->next_chunk();
      if (!rows) return std::unexpected(rows.error());
      chunk_rows_ = *rows;
      row_ = 0;
      if (chunk_rows_ == 0) return std::nullopt;
    }
    for (std::size_t column = 0; column < cells_.size(); ++column)
      cells_[column] = texts_->at(row_, column);
    ++row_;
    auto made = rows_.event_of(cells_, reader_);
    if (made) bytes_ += made->payload.size();
    return made;
  }
  [[nodiscard]] std::uint64_t number() const override { return rows_read_; }

 private:
  std::unique_ptr<analytics::row_reader> texts_;
  std::uint64_t rows_total_;
  row_mapper rows_;
  std::vector<row_cell> cells_;
  event_reader reader_;
  std::size_t chunk_rows_ = 0, row_ = 0;
  std::uint64_t rows_read_ = 0, bytes_ = 0;
};

}  // namespace

result<std::unique_ptr<event_source>> open_parquet_rows(const std::filesystem::path& file,
                                                        const project& configuration,
                                                        const analytics::event_definition& event) {
  std::error_code status;
  if (!std::filesystem::is_regular_file(file, status))
    return fail(error_code::not_found, "is not a file", file.string(), "check the name");
  const std::string name = file.filename().string();
  const std::string from = fmt::format("read_parquet({})", quote_literal(pattern_of(file)));
  const auto columns = columns_of(from);
  if (!columns) {
    return fail(error_code::invalid_argument, columns.error().message, name,
                "is the file what its extension says?");
  }
  std::vector<std::string> names;
  for (const auto& column : *columns) names.push_back(column.name);
  auto rows = row_mapper::make(event, names);
  if (!rows) return std::unexpected(within(name, std::move(rows.error())));
  const auto rows_total = count_rows(from);
  if (!rows_total) return fail(error_code::invalid_argument, rows_total.error().message, name);
  auto texts = analytics::row_reader::open(select_of(*columns, from, event), ".");
  if (!texts) return fail(error_code::invalid_argument, texts.error().message, name);
  return std::make_unique<parquet_file>(file, std::move(*texts), *rows_total, std::move(*rows),
                                        configuration);
}

}  // namespace lodestar::app
