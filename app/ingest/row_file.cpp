#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <lodestar/analytics/row_reader.hpp>
#include <lodestar/analytics/sql_quote.hpp>
#include <lodestar/base/hash.hpp>

#include "config/text.hpp"
#include "ingest/event_reader.hpp"
#include "ingest/event_source.hpp"

namespace lodestar::app {
namespace {

using analytics::quote_identifier;
using analytics::quote_literal;
using analytics::value_type;

/// How JSON holds a column of that type.
std::string json_expression(const analytics::field& field) {
  const std::string column = quote_identifier(field.name);
  switch (field.type) {
    case value_type::boolean: return fmt::format("CAST({} AS BOOLEAN)", column);
    case value_type::integer: return fmt::format("CAST({} AS BIGINT)", column);
    case value_type::number: return fmt::format("CAST({} AS DOUBLE)", column);
    case value_type::text: return fmt::format("CAST({} AS VARCHAR)", column);
    case value_type::timestamp:
      return fmt::format("strftime(CAST({} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')", column);
    case value_type::date: return fmt::format("strftime(CAST({} AS DATE), '%Y-%m-%d')", column);
  }
  return column;
}

std::string read_function(const std::filesystem::path& file) {
  const std::string extension = file.extension().string();
  const std::string name = quote_literal(std::filesystem::absolute(file).string());
  if (extension == ".parquet") return fmt::format("read_parquet({})", name);
  if (extension == ".csv" || extension == ".tsv") return fmt::format("read_csv({})", name);
  return fmt::format("read_json({}, format = 'newline_delimited')", name);
}

result<std::vector<std::string>> first_column_of(const std::string& sql) {
  auto reader = analytics::row_reader::open(sql, ".");
  if (!reader) return std::unexpected(std::move(reader.error()));
  std::vector<std::string> values;
  for (;;) {
    const auto rows = (*reader)->next_chunk();
    if (!rows) return std::unexpected(rows.error());
    if (*rows == 0) return values;
    for (std::size_t row = 0; row < *rows; ++row)
      values.emplace_back((*reader)->at(row, 0).value_or(""));
  }
}

/// The SELECT of (aggregate_id, payload, event_id or NULL), or what the file lacks.
result<std::string> select_of(const std::string& from, const std::string& name,
                              const analytics::event_definition& event) {
  const auto columns =
      first_column_of(fmt::format("SELECT column_name FROM (DESCRIBE SELECT * FROM {})", from));
  if (!columns)
    return fail(error_code::invalid_argument, columns.error().message, name,
                "is the file what its extension says?");
  const auto has = [&](const std::string& column) {
    return std::find(columns->begin(), columns->end(), column) != columns->end();
  };
  std::string payload;
  std::vector<std::string> wanted = {event.key_column};
  for (const auto& field : event.fields) {
    if (field.required) wanted.push_back(field.name);
    if (!has(field.name)) continue;
    payload += fmt::format("{}{}, {}", payload.empty() ? "" : ", ", quote_literal(field.name),
                           json_expression(field));
  }
  for (const auto& column : wanted) {
    if (!has(column)) {
      return fail(error_code::invalid_argument,
                  fmt::format("has no column {}, which {} needs", column, event.event_type), name,
                  fmt::format("its columns are {}", fmt::join(*columns, ", ")));
    }
  }
  return fmt::format("SELECT CAST({} AS VARCHAR), CAST(json_object({}) AS VARCHAR), {} FROM {}",
                     quote_identifier(event.key_column), payload,
                     has("event_id") ? "CAST(event_id AS VARCHAR)" : "NULL", from);
}

class row_file final : public event_source {
 public:
  row_file(std::unique_ptr<analytics::row_reader> rows, std::uint64_t rows_total, std::string name,
           const analytics::event_definition& event, const project& configuration)
      : rows_(std::move(rows)),
        rows_total_(rows_total),
        name_(std::move(name)),
        event_(event),
        reader_(configuration.events, system_clock(), system_random()) {}

  [[nodiscard]] result<std::vector<log::new_event>> next(std::size_t events_max) override {
    std::vector<log::new_event> batch;
    while (batch.size() < events_max) {
      if (row_ == chunk_rows_) {
        const auto rows = rows_->next_chunk();
        if (!rows)
          return fail(rows.error().code, rows.error().message,
                      fmt::format("{}: after row {}", name_, rows_read_));
        chunk_rows_ = *rows;
        row_ = 0;
        if (chunk_rows_ == 0) break;
      }
      auto event = read_row(row_++);
      if (!event) {
        const auto where = fmt::format("{}: row {}", name_, rows_read_);
        return std::unexpected(within(where, std::move(event.error())));
      }
      batch.push_back(std::move(*event));
    }
    return batch;
  }
  [[nodiscard]] double progress() const override {
    return rows_total_ == 0
               ? 1.0
               : std::min(1.0, static_cast<double>(rows_read_) / static_cast<double>(rows_total_));
  }
  [[nodiscard]] std::uint64_t bytes() const override { return bytes_; }

 private:
  result<log::new_event> read_row(std::size_t row) {
    ++rows_read_;
    const auto id = rows_->at(row, 0);
    if (!id || id->empty())
      return fail(error_code::invalid_argument,
                  fmt::format("column {} is empty", event_.key_column));
    const auto payload = rows_->at(row, 1).value_or("{}");
    auto made = reader_.read_payload(event_.event_type, *id, payload);
    if (!made) return made;
    const auto own_id = rows_->at(row, 2);
    made->event_id =
        own_id ? std::string(*own_id)
               : "import-" + hash_bytes_128(made->aggregate_id + made->payload, rows_read_).hex();
    bytes_ += payload.size();
    return made;
  }

  std::unique_ptr<analytics::row_reader> rows_;
  std::uint64_t rows_total_;
  std::string name_;
  const analytics::event_definition& event_;
  event_reader reader_;
  std::size_t chunk_rows_ = 0, row_ = 0;
  std::uint64_t rows_read_ = 0, bytes_ = 0;
};

}  // namespace

result<std::unique_ptr<event_source>> open_row_file(const std::filesystem::path& file,
                                                    const project& configuration,
                                                    const std::string& event_type) {
  const auto event =
      std::find_if(configuration.events.begin(), configuration.events.end(),
                   [&](const auto& declared) { return declared.event_type == event_type; });
  if (event == configuration.events.end()) {
    std::vector<std::string_view> names;
    for (const auto& declared : configuration.events) names.push_back(declared.event_type);
    return fail(error_code::invalid_argument, fmt::format("unknown event type \"{}\"", event_type),
                "--event-type", suggest(event_type, names));
  }
  std::error_code status;
  if (!std::filesystem::is_regular_file(file, status)) {
    return fail(error_code::not_found, "is not a file", file.string(), "check the name");
  }
  const std::string from = read_function(file);
  const std::string name = file.filename().string();
  const auto sql = select_of(from, name, *event);
  if (!sql) return std::unexpected(sql.error());
  const auto count = first_column_of(fmt::format("SELECT count(*) FROM {}", from));
  if (!count) return fail(error_code::invalid_argument, count.error().message, name);
  const auto rows_total = static_cast<std::uint64_t>(parse_integer(count->front()).value_or(0));
  auto rows = analytics::row_reader::open(*sql, ".");
  if (!rows) return fail(error_code::invalid_argument, rows.error().message, name);
  return std::make_unique<row_file>(std::move(*rows), rows_total, name, *event, configuration);
}

result<std::unique_ptr<event_source>> open_source(const std::filesystem::path& file,
                                                  const project& configuration,
                                                  const std::string& event_type) {
  const std::string extension = file.extension().string();
  const bool is_lines = extension == ".ndjson" || extension == ".jsonl";
  const bool is_rows = extension == ".csv" || extension == ".tsv" || extension == ".parquet";
  if (!is_lines && !is_rows) {
    return fail(error_code::invalid_argument,
                fmt::format("cannot tell the format of \"{}\"", extension), file.string(),
                "name it .ndjson, .jsonl, .csv, .tsv or .parquet");
  }
  if (is_lines && event_type.empty()) return open_event_file(file, configuration);
  if (!event_type.empty()) return open_row_file(file, configuration, event_type);
  if (configuration.events.size() == 1)
    return open_row_file(file, configuration, configuration.events.front().event_type);
  return fail(error_code::invalid_argument, "rows need an event type", file.string(),
              "add --event-type NAME");
}

}  // namespace lodestar::app
