#include "event_table.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <lodestar/analytics/sql_quote.hpp>
#include <lodestar/base/ascii.hpp>
#include <lodestar/base/assert.hpp>

#include "sql_text.hpp"

namespace lodestar::analytics {
namespace {

result<void> take_name(std::set<std::string>& taken, std::string_view name, std::string_view what,
                       const std::string& file) {
  if (name.empty())
    return fail(error_code::invalid_argument, fmt::format("{} without a name", what), file);
  if (std::ranges::any_of(name, is_ascii_control))
    return fail(error_code::invalid_argument, fmt::format("{} name with a control character", what),
                file);
  if (taken.insert(to_ascii_lower(name)).second) return {};
  return fail(error_code::invalid_argument, fmt::format("{} '{}' is declared twice", what, name),
              file, "names are told apart without regard to case: rename one of them");
}

result<void> check_columns(const event_definition& definition) {
  std::set<std::string> columns{"position", "recorded_at"};
  if (auto taken = take_name(columns, definition.key_column, "column", definition.file); !taken)
    return taken;
  for (const auto& column : definition.fields) {
    if (auto taken = take_name(columns, column.name, "column", definition.file); !taken)
      return taken;
  }
  return {};
}

/// The key column and the fields, each written by `write(name, type)`.
template <class Write>
std::string column_list(const event_definition& definition, Write write) {
  std::string list = write(definition.key_column, value_type::text);
  for (const auto& column : definition.fields) list += ", " + write(column.name, column.type);
  return list;
}

error at_file(error failure, const std::string& file, std::string_view what) {
  failure.message = fmt::format("{}: {}", what, failure.message);
  failure.place = file;
  return failure;
}

}  // namespace

std::string log_table_name(const event_definition& definition) {
  return definition.table + "_log";
}

std::string_view duckdb_type_name(value_type type) noexcept {
  switch (type) {
    case value_type::boolean: return "BOOLEAN";
    case value_type::integer: return "BIGINT";
    case value_type::number: return "DOUBLE";
    case value_type::text: return "VARCHAR";
    case value_type::timestamp: return "TIMESTAMP";
    case value_type::date: return "DATE";
  }
  return "VARCHAR";
}

result<void> check_definitions(std::span<const event_definition> events,
                               std::span<const table_definition> tables) {
  std::set<std::string> table_names;
  std::set<std::string> event_types;
  for (const auto& definition : events) {
    if (!event_types.insert(definition.event_type).second) {
      return fail(error_code::invalid_argument,
                  fmt::format("event type '{}' is declared twice", definition.event_type),
                  definition.file);
    }
    if (auto taken = take_name(table_names, definition.table, "table", definition.file); !taken)
      return taken;
    if (auto taken = take_name(table_names, log_table_name(definition), "table", definition.file);
        !taken)
      return taken;
    if (auto checked = check_columns(definition); !checked) return checked;
  }
  for (const auto& definition : tables) {
    if (auto taken = take_name(table_names, definition.name, "table", definition.file); !taken)
      return taken;
  }
  return {};
}

result<void> create_event_table(database& target, const event_definition& definition) {
  const std::string table = quote_identifier(log_table_name(definition));
  const auto declared = column_list(definition, [](const std::string& name, value_type type) {
    return fmt::format("{} {}", quote_identifier(name), duckdb_type_name(type));
  });
  auto created = target.load(
      fmt::format("CREATE TABLE {} (position BIGINT, recorded_at TIMESTAMP, {})", table, declared));
  if (!created)
    return std::unexpected(at_file(created.error(), definition.file, "table " + definition.table));
  if (definition.history_sql.empty()) return {};

  const auto selected = column_list(definition, [](const std::string& name, value_type type) {
    return fmt::format("CAST(history.{} AS {})", quote_identifier(name), duckdb_type_name(type));
  });
  const auto sql = without_semicolon(definition.history_sql, sql_tokens(definition.history_sql));
  auto loaded = target.load(fmt::format(
      "INSERT INTO {} SELECT 0, NULL, {} FROM (\n{}\n) AS history", table, selected, sql));
  if (!loaded)
    return std::unexpected(
        at_file(loaded.error(),
                definition.history_place.empty() ? definition.file : definition.history_place,
                "history of " + definition.table));
  return {};
}

result<void> create_static_table(database& target, const table_definition& definition) {
  const auto sql = without_semicolon(definition.sql, sql_tokens(definition.sql));
  auto created = target.load(
      fmt::format("CREATE TABLE {} AS FROM (\n{}\n)", quote_identifier(definition.name), sql));
  if (!created)
    return std::unexpected(at_file(created.error(), definition.file, "table " + definition.name));
  return {};
}

result<table_writer> table_writer::open(duckdb_connection connection,
                                        const event_definition& definition) {
  appender_handle appender;
  const auto opened = duckdb_appender_create(connection, nullptr,
                                             log_table_name(definition).c_str(), appender.out());
  table_writer writer(std::move(appender), definition);
  if (opened != DuckDBSuccess) return std::unexpected(writer.failure());
  return writer;
}

result<void> table_writer::append(const log::event& event, std::span<const cell> fields) {
  LODESTAR_ASSERT(fields.size() == definition_->fields.size(),
                  "the reader fills one value per field");
  const duckdb_appender to = appender_.get();
  bool good = duckdb_append_int64(to, event.at) == DuckDBSuccess &&
              duckdb_append_timestamp(to, {event.recorded_at_us}) == DuckDBSuccess &&
              duckdb_append_varchar_length(to, event.aggregate_id.data(),
                                           event.aggregate_id.size()) == DuckDBSuccess;
  for (std::size_t index = 0; good && index < fields.size(); ++index) {
    good = append_field(fields[index], definition_->fields[index].type) == DuckDBSuccess;
  }
  if (!good || duckdb_appender_end_row(to) != DuckDBSuccess) return std::unexpected(failure());
  ++pending_rows_;
  return {};
}

result<void> table_writer::flush() {
  pending_rows_ = 0;
  if (duckdb_appender_flush(appender_.get()) != DuckDBSuccess) return std::unexpected(failure());
  return {};
}

duckdb_state table_writer::append_field(const cell& value, value_type type) {
  const duckdb_appender to = appender_.get();
  if (std::holds_alternative<std::monostate>(value)) return duckdb_append_null(to);
  switch (type) {
    case value_type::boolean: return duckdb_append_bool(to, std::get<bool>(value));
    case value_type::integer: return duckdb_append_int64(to, std::get<std::int64_t>(value));
    case value_type::number: return duckdb_append_double(to, std::get<double>(value));
    case value_type::timestamp: return duckdb_append_timestamp(to, {std::get<std::int64_t>(value)});
    case value_type::date:
      return duckdb_append_date(to, {static_cast<std::int32_t>(std::get<std::int64_t>(value))});
    case value_type::text: break;
  }
  const auto text = std::get<std::string_view>(value);
  return duckdb_append_varchar_length(to, text.data(), text.size());
}

error table_writer::failure() const {
  const char* message = duckdb_appender_error(appender_.get());
  error failure = duckdb_failure(DUCKDB_ERROR_INVALID, message == nullptr ? "" : message);
  failure.code = error_code::internal;
  failure.place = "table " + definition_->table;
  return failure;
}

}  // namespace lodestar::analytics
