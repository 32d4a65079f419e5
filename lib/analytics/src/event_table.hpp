// The DuckDB tables of a project: one append-only log table per event type, and static tables.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/analytics/query_result.hpp>
#include <lodestar/log/event.hpp>

#include "database.hpp"

namespace lodestar::analytics {

/// "flight_log": where the rows of the table that queries call "flight" are.
[[nodiscard]] std::string log_table_name(const event_definition& definition);

/// DuckDB's name of a value type ("BIGINT").
[[nodiscard]] std::string_view duckdb_type_name(value_type type) noexcept;

/// Refuses definitions that contradict each other: names used twice, empty names.
[[nodiscard]] result<void> check_definitions(std::span<const event_definition> events,
                                             std::span<const table_definition> tables);

/// Creates the log table and fills it with the history, at position 0.
[[nodiscard]] result<void> create_event_table(database& target, const event_definition& definition);
[[nodiscard]] result<void> create_static_table(database& target,
                                               const table_definition& definition);

/// Appends rows to one log table. Used by one thread, with a connection of its own.
class table_writer {
 public:
  [[nodiscard]] static result<table_writer> open(duckdb_connection connection,
                                                 const event_definition& definition);

  /// One row; `fields` has a value for each field of the definition, in its order.
  [[nodiscard]] result<void> append(const log::event& event, std::span<const cell> fields);
  /// Makes the appended rows part of the connection's transaction.
  [[nodiscard]] result<void> flush();
  [[nodiscard]] std::size_t pending_rows() const noexcept { return pending_rows_; }

 private:
  table_writer(appender_handle appender, const event_definition& definition)
      : appender_(std::move(appender)), definition_(&definition) {}
  [[nodiscard]] duckdb_state append_field(const cell& value, value_type type);
  [[nodiscard]] error failure() const;

  appender_handle appender_;
  const event_definition* definition_;
  std::size_t pending_rows_ = 0;
};

}  // namespace lodestar::analytics
