#include "fingerprint.hpp"

#include <string>

#include <fmt/format.h>

#include <lodestar/analytics/sql_quote.hpp>
#include <lodestar/base/hash.hpp>

#include "arrow_result.hpp"
#include "event_table.hpp"

namespace lodestar::analytics {
namespace {

constexpr std::string_view version = "lodestar-tables/1";

/// Lengths keep neighbouring parts apart.
void add(std::string& described, std::string_view part) {
  described += fmt::format("{}:{}\n", part.size(), part);
}

/// Rows in any order. DuckDB's hash may be another in another version, which is a part, too.
result<void> add_rows(std::string& described, duckdb_connection connection,
                      const std::string& table) {
  const std::string sql =
      fmt::format("SELECT count(*), coalesce(CAST(sum(hash(each)) AS VARCHAR), '') FROM {} AS each",
                  quote_identifier(table));
  result_handle rows;
  if (duckdb_query(connection, sql.c_str(), rows.get()) != DuckDBSuccess) {
    const char* const message = duckdb_result_error(rows.get());
    return fail(error_code::internal, fmt::format("the rows of the table {} cannot be read: {}",
                                                  table, message == nullptr ? "" : message));
  }
  const auto sums = make_query_result(rows, result_bytes_limit);
  if (!sums) return std::unexpected(sums.error());
  add(described, std::to_string(std::get<std::int64_t>((*sums)->at(0, 0))));
  add(described, std::get<std::string_view>((*sums)->at(0, 1)));
  return {};
}

void add_definition(std::string& described, const event_definition& each) {
  for (const std::string& part :
       {each.event_type, each.aggregate_type, each.table, each.key_column})
    add(described, part);
  for (const field& column : each.fields) {
    add(described, column.name);
    add(described, to_string(column.type));
    add(described, column.required ? "required" : "optional");
  }
}

}  // namespace

result<std::uint64_t> fingerprint_of(const database& source,
                                     std::span<const event_definition> events,
                                     std::span<const table_definition> tables) {
  auto connection = source.connect();
  if (!connection) return std::unexpected(std::move(connection.error()));
  std::string described(version);
  add(described, duckdb_library_version());
  for (const event_definition& each : events) {
    add_definition(described, each);
    if (auto added = add_rows(described, connection->get(), log_table_name(each)); !added)
      return std::unexpected(std::move(added.error()));
  }
  for (const table_definition& each : tables) {
    add(described, each.name);
    if (auto added = add_rows(described, connection->get(), each.name); !added)
      return std::unexpected(std::move(added.error()));
  }
  return hash_bytes_64(described);
}

}  // namespace lodestar::analytics
