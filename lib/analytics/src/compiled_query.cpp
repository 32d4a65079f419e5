#include "compiled_query.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <lodestar/analytics/sql_quote.hpp>
#include <lodestar/base/nearest.hpp>

#include "column_builder.hpp"
#include "event_table.hpp"
#include "sql_text.hpp"

namespace lodestar::analytics {
namespace {

std::string place_at(const query_definition& definition, int line) {
  return fmt::format("{}:{}", definition.file, definition.sql_line + std::max(line, 1) - 1);
}

int line_of(std::string_view sql, std::size_t offset) {
  return 1 + static_cast<int>(std::ranges::count(sql.substr(0, offset), '\n'));
}

error unbounded(const query_definition& definition, const sql_token& token, std::string_view what,
                std::string hint) {
  return {error_code::invalid_argument,
          fmt::format("the query reads {}, which is not bounded by the position", what),
          place_at(definition, line_of(definition.sql, token.begin)), std::move(hint)};
}

/// The log tables themselves, and an event table with its schema, would show rows beyond the
/// position. DuckDB takes tables also as literals: FROM 'flight_log'.
result<void> refuse_unbounded(const query_definition& definition,
                              const std::vector<sql_token>& tokens, const event_definition& event) {
  const auto log_table = log_table_name(event);
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    const bool is_log = names(tokens[index], log_table) || quotes(tokens[index], log_table);
    const bool qualified = index >= 2 && names(tokens[index], event.table) &&
                           tokens[index - 1].text == "." && names(tokens[index - 2], "main");
    if (!is_log && !qualified) continue;
    return std::unexpected(unbounded(definition, tokens[index],
                                     fmt::format("'{}'", is_log ? log_table : event.table),
                                     fmt::format("use {}", event.table)));
  }
  return {};
}

/// Functions that make a table of a text, which may be an expression or a parameter.
result<void> refuse_tables_by_text(const query_definition& definition,
                                   const std::vector<sql_token>& tokens) {
  for (std::size_t index = 0; index + 1 < tokens.size(); ++index) {
    if (tokens[index + 1].text != "(") continue;
    for (const char* function : {"query", "query_table", "json_execute_serialized_sql"}) {
      if (!names(tokens[index], function)) continue;
      return std::unexpected(unbounded(definition, tokens[index],
                                       fmt::format("a table through {}()", function),
                                       "write the table's name into the FROM clause"));
    }
  }
  return {};
}

result<std::string> bounded_tables(const query_definition& definition,
                                   const std::vector<sql_token>& tokens,
                                   std::span<const event_definition> events) {
  if (auto bounded = refuse_tables_by_text(definition, tokens); !bounded)
    return std::unexpected(std::move(bounded.error()));
  std::string list;
  for (const auto& event : events) {
    if (auto bounded = refuse_unbounded(definition, tokens, event); !bounded)
      return std::unexpected(std::move(bounded.error()));
    const bool named = std::ranges::any_of(tokens, [&](const sql_token& token) {
      return names(token, event.table) || quotes(token, event.table);
    });
    if (!named) continue;
    list += fmt::format("{}{} AS NOT MATERIALIZED (SELECT * FROM {} WHERE position <= ${})",
                        list.empty() ? "" : ", ", quote_identifier(event.table),
                        quote_identifier(log_table_name(event)), as_of_parameter);
  }
  return list.empty() ? "lodestar_no_event_table AS NOT MATERIALIZED (SELECT 1)" : list;
}

/// Blanks keep the rest of the statement where it was, so DuckDB's line numbers stay right.
void blank(std::string& text, const sql_token& token) {
  std::fill(text.begin() + static_cast<std::ptrdiff_t>(token.begin),
            text.begin() + static_cast<std::ptrdiff_t>(token.end), ' ');
}

result<compiled_query> assemble(const query_definition& definition,
                                std::span<const event_definition> events) {
  const auto tokens = sql_tokens(definition.sql);
  if (tokens.empty())
    return fail(error_code::invalid_argument, "the query has no SQL", place_at(definition, 1));
  auto tables = bounded_tables(definition, tokens, events);
  if (!tables) return std::unexpected(std::move(tables.error()));
  compiled_query query{.head = "WITH ",
                       .body = std::string(without_semicolon(definition.sql, tokens)),
                       .slots = {},
                       .columns = {}};
  const bool own_with = names(tokens[0], "with");
  const bool recursive = own_with && tokens.size() > 1 && names(tokens[1], "recursive");
  if (own_with) query.body[tokens[0].begin] = ' ';
  if (own_with) blank(query.body, tokens[0]);
  if (recursive) blank(query.body, tokens[1]);
  query.head += (recursive ? "RECURSIVE " : "") + *tables + (own_with ? "," : "");
  return query;
}

result<void> check_single_statement(duckdb_connection connection,
                                    const query_definition& definition) {
  extracted_handle extracted;
  const auto statements =
      duckdb_extract_statements(connection, definition.sql.c_str(), extracted.out());
  if (statements == 0) {
    const char* message = duckdb_extract_statements_error(extracted.get());
    error failure = duckdb_failure(DUCKDB_ERROR_PARSER,
                                   message == nullptr ? "the query has no statement" : message);
    failure.place = place_at(definition, message == nullptr ? 1 : duckdb_message_line(message));
    return std::unexpected(std::move(failure));
  }
  if (statements == 1) return {};
  return fail(error_code::invalid_argument, fmt::format("the query has {} statements", statements),
              place_at(definition, 1), "a query is one SELECT: make a file of its own for each");
}

error undeclared_parameter(const query_definition& definition, const std::string& name) {
  const auto tokens = sql_tokens(definition.sql);
  const auto used = std::ranges::find_if(tokens, [&](const sql_token& token) {
    return token.kind == sql_token_kind::parameter && token.text == name;
  });
  const int line = used == tokens.end() ? 1 : line_of(definition.sql, used->begin);
  std::vector<std::string_view> declared;
  for (const auto& parameter : definition.parameters) declared.push_back(parameter.name);
  const auto meant = nearest(name, declared);
  return {error_code::invalid_argument,
          fmt::format("the SQL uses ${}, which is not declared as a parameter", name),
          place_at(definition, line),
          meant.empty() ? "declare it in the header of the file; parameters are written as $name"
                        : fmt::format("did you mean ${}?", meant)};
}

result<std::vector<std::size_t>> parameter_slots(duckdb_prepared_statement statement,
                                                 const query_definition& definition) {
  std::vector<std::size_t> slots;
  for (idx_t index = 1; index <= duckdb_nparams(statement); ++index) {
    const char* found = duckdb_parameter_name(statement, index);
    const std::string name = found == nullptr ? "" : found;
    duckdb_free(const_cast<char*>(found));
    if (name == as_of_parameter) {
      slots.push_back(compiled_query::as_of_slot);
      continue;
    }
    const auto declared = std::ranges::find(definition.parameters, name, &parameter::name);
    if (declared == definition.parameters.end())
      return std::unexpected(undeclared_parameter(definition, name));
    slots.push_back(static_cast<std::size_t>(declared - definition.parameters.begin()));
  }
  return slots;
}

/// A statement that DuckDB cannot bind without its parameters' values has one column "unknown" of
/// no type.
std::optional<std::vector<std::string>> column_names(duckdb_prepared_statement statement) {
  std::vector<std::string> names;
  const idx_t count = duckdb_prepared_statement_column_count(statement);
  for (idx_t index = 0; index < count; ++index) {
    if (duckdb_prepared_statement_column_type(statement, index) == DUCKDB_TYPE_INVALID)
      return std::nullopt;
    const char* found = duckdb_prepared_statement_column_name(statement, index);
    names.emplace_back(found == nullptr ? "" : found);
    duckdb_free(const_cast<char*>(found));
  }
  return names;
}

struct prepare_failure {
  error reason;
  int line = 0;  ///< Of the text that was prepared.
};

std::expected<prepared_handle, prepare_failure> prepare(duckdb_connection connection,
                                                        const std::string& sql) {
  prepared_handle statement;
  if (duckdb_prepare(connection, sql.c_str(), statement.out()) == DuckDBSuccess) return statement;
  const char* found = duckdb_prepare_error(statement.get());
  const std::string message = found == nullptr ? "" : found;
  // The C API gives no type here; a deadline or a stop may come while a statement is being
  // prepared.
  const auto type = message.starts_with("INTERRUPT") ? DUCKDB_ERROR_INTERRUPT : DUCKDB_ERROR_BINDER;
  return std::unexpected(
      prepare_failure{duckdb_failure(type, message), duckdb_message_line(message)});
}

}  // namespace

result<prepared_handle> prepare_select(duckdb_connection connection, const std::string& sql) {
  auto statement = prepare(connection, sql);
  if (!statement) return std::unexpected(std::move(statement.error().reason));
  if (duckdb_prepared_statement_type(statement->get()) != DUCKDB_STATEMENT_TYPE_SELECT) {
    return fail(error_code::invalid_argument, "the statement is not a SELECT", {},
                "queries only read");
  }
  return std::move(*statement);
}

result<compiled_query> compile_query(duckdb_connection connection,
                                     const query_definition& definition,
                                     std::span<const event_definition> events) {
  if (auto single = check_single_statement(connection, definition); !single)
    return std::unexpected(std::move(single.error()));
  auto query = assemble(definition, events);
  if (!query) return query;
  auto statement = prepare(connection, query->sql());
  if (!statement) {
    // The first line is the one that Lodestar put in front.
    statement.error().reason.place = place_at(definition, statement.error().line - 1);
    return std::unexpected(std::move(statement.error().reason));
  }
  if (duckdb_prepared_statement_type(statement->get()) != DUCKDB_STATEMENT_TYPE_SELECT) {
    return fail(error_code::invalid_argument, "the query is not a SELECT", place_at(definition, 1),
                "queries only read");
  }
  auto slots = parameter_slots(statement->get(), definition);
  if (!slots) return std::unexpected(std::move(slots.error()));
  query->slots = std::move(*slots);
  query->columns = column_names(statement->get());
  return query;
}

std::string with_text_columns(const compiled_query& query, duckdb_result* rows) {
  std::string selected;
  std::string names;
  for (idx_t index = 0; index < duckdb_column_count(rows); ++index) {
    const bool kept = column_builder::supports(duckdb_column_type(rows, index));
    const std::string separator = index == 0 ? "" : ", ";
    selected += fmt::format(fmt::runtime(kept ? "{}c{} AS {}" : "{}CAST(c{} AS VARCHAR) AS {}"),
                            separator, index, quote_identifier(duckdb_column_name(rows, index)));
    names += fmt::format("{}c{}", separator, index);
  }
  const bool own_with = query.head.ends_with(',');
  const std::string head = own_with ? query.head.substr(0, query.head.size() - 1) : query.head;
  // The user's own WITH goes back into the subquery; RECURSIVE does no harm to a WITH that is not.
  return fmt::format("{}\nSELECT {} FROM (\n{}{}\n) AS lodestar_rows({})", head, selected,
                     own_with ? "WITH RECURSIVE " : "", query.body, names);
}

}  // namespace lodestar::analytics
