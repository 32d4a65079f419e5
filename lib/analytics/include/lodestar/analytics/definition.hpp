// What a project declares: event types, static tables and named queries. Plain values; app/config
// reads them from files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/swr/cache.hpp>

namespace lodestar::analytics {

enum class value_type : std::uint8_t { boolean, integer, number, text, timestamp, date };

/// "boolean", "integer" … as written in project files.
[[nodiscard]] std::string_view to_string(value_type type) noexcept;
[[nodiscard]] std::optional<value_type> parse_value_type(std::string_view name) noexcept;

struct field {
  std::string name;
  value_type type = value_type::text;
  bool required = true;  ///< A field that is not required may be absent or null.
};

/// One event type and the table its events become. Columns of the table, in this order: position,
/// recorded_at, the key column (the aggregate id), then the fields.
struct event_definition {
  std::string event_type;      ///< "FlightDeparted"
  std::string aggregate_type;  ///< "Airport"
  std::string table;           ///< "flight": the name queries use (a view bounded by the position).
  std::string key_column;      ///< "origin": holds the aggregate id.
  std::vector<field> fields;
  std::string history_sql;  ///< SELECT of the key column and all fields, loaded at position 0; may
                            ///< be empty.
  std::string file;         ///< Where it was declared, for messages.
  std::string history_place = {};  ///< Where history_sql stands in it: "events/flight.toml:7".
};

/// A table that no event changes.
struct table_definition {
  std::string name;
  std::string sql;  ///< SELECT that fills it at start.
  std::string file;
};

struct parameter {
  std::string name;
  value_type type = value_type::text;
  std::optional<std::string> default_value;  ///< As it would be written in a URL; none = required.
};

/// Whether the text, as it would be written in a URL, is a value of the parameter's type.
[[nodiscard]] result<void> check_value(const parameter& declared, std::string_view text);

struct query_definition {
  std::string name;
  std::string title;
  std::string sql;  ///< One SELECT; parameters as $name.
  std::vector<parameter> parameters;
  /// Key expressions; `{name}` stands for a parameter's value as one escaped chunk. `all` and
  /// `none` are told apart by depends_on_all: an empty list with depends_on_all = false depends on
  /// nothing.
  std::vector<std::string> depends_on;
  bool depends_on_all = true;
  swr::lifetimes lifetimes;
  std::int64_t deadline_ms = 10'000;
  std::string file;  ///< "queries/kpi.sql", for messages.
  int sql_line = 1;  ///< Line of `file` at which the SQL begins.
};

}  // namespace lodestar::analytics
