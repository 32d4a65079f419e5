// A query's SQL as DuckDB gets it, checked.
//
// Event tables are not views here. In front of the user's statement stands one common table
// expression per event table that it names, bounded by a parameter:
//
//   WITH flight AS NOT MATERIALIZED (SELECT * FROM flight_log WHERE position <= $lodestar_as_of)
//   SELECT … FROM flight …
//
// A view with getvariable('as_of') would be folded to a constant when a statement without
// parameters is prepared, and that statement would go on answering as of the old position
// (DuckDB 1.5.5). A parameter is read at each execution, costs no SET VARIABLE, and is pushed into
// the scan all the same. It also closes a gap in the check of statement types: DESCRIBE, SHOW and
// PRAGMA, which report as SELECT, are syntax errors behind WITH.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/base/error.hpp>

#include "duckdb_raii.hpp"

namespace lodestar::analytics {

inline constexpr const char* as_of_parameter = "lodestar_as_of";

struct compiled_query {
  std::string head;  ///< "WITH …", on one line.
  std::string body;  ///< The user's statement without its own WITH.
  /// For each parameter of the prepared statement the index in the definition's list, or
  /// as_of_slot.
  std::vector<std::size_t> slots;

  /// Names of the result's columns; nothing when they depend on the values of the parameters.
  std::optional<std::vector<std::string>> columns;

  static constexpr std::size_t as_of_slot = static_cast<std::size_t>(-1);
  [[nodiscard]] std::string sql() const { return head + "\n" + body; }
};

/// Checks the statement against the tables and prepares it once. Errors have a place:
/// "queries/kpi.sql:3".
[[nodiscard]] result<compiled_query> compile_query(duckdb_connection connection,
                                                   const query_definition& definition,
                                                   std::span<const event_definition> events);

/// Prepares one SELECT.
[[nodiscard]] result<prepared_handle> prepare_select(duckdb_connection connection,
                                                     const std::string& sql);

/// The same statement with the columns of types that results do not have cast to VARCHAR.
[[nodiscard]] std::string with_text_columns(const compiled_query& query, duckdb_result* rows);

}  // namespace lodestar::analytics
