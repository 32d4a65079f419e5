#include "support/raw_duckdb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string_view>

#include "support/files.hpp"
#include "support/report.hpp"

namespace lodestar::bench {
namespace {

namespace fs = std::filesystem;

void must(duckdb_state status, duckdb_result* rows) {
  if (status == DuckDBSuccess) return;
  const char* message = duckdb_result_error(rows);
  const std::string text = fmt::format("DuckDB: {}", message == nullptr ? "failed" : message);
  duckdb_destroy_result(rows);
  throw std::runtime_error(text);
}

void fetch_all(duckdb_result* rows) {
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(*rows)) duckdb_destroy_data_chunk(&chunk);
  duckdb_destroy_result(rows);
}

/// The text of `key = """…"""` or `key = "…"` in a TOML file of ours.
std::string toml_text(std::string_view content, std::string_view key) {
  const std::string line_begin = fmt::format("\n{} = \"", key);
  const std::string whole = fmt::format("\n{}", content);
  const auto found = whole.find(line_begin);
  if (found == std::string::npos) throw std::runtime_error(fmt::format("no key {}", key));
  const auto begin = found + line_begin.size();
  const bool is_block = whole.compare(begin, 2, "\"\"") == 0;
  return is_block ? whole.substr(begin + 2, whole.find("\"\"\"", begin + 2) - begin - 2)
                  : whole.substr(begin, whole.find('"', begin) - begin);
}

/// As the server compiles it: the event table is a common table expression that is bounded by the
/// position.
std::string bounded(const std::string& table, std::string sql) {
  while (sql.starts_with("--")) sql.erase(0, sql.find('\n') + 1);
  const std::string head = fmt::format(
      "WITH {0} AS NOT MATERIALIZED (SELECT * FROM {0}_log WHERE position <= $lodestar_as_of)",
      table);
  const bool own_with = sql.starts_with("WITH ");
  return head + (own_with ? "," : "") + "\n" + (own_with ? sql.substr(5) : sql);
}

}  // namespace

raw_duckdb::raw_duckdb(const fs::path& folder) {
  if (duckdb_open(nullptr, &database_) != DuckDBSuccess)
    throw std::runtime_error("DuckDB does not start");
  duckdb_connect(database_, &connection_);
  run(fmt::format("SET file_search_path = '{}'", folder.string()));
}

raw_duckdb::~raw_duckdb() {
  duckdb_disconnect(&connection_);
  duckdb_close(&database_);
}

void raw_duckdb::run(const std::string& sql) {
  duckdb_result rows;
  must(duckdb_query(connection_, sql.c_str(), &rows), &rows);
  duckdb_destroy_result(&rows);
}

std::int64_t raw_duckdb::number(const std::string& sql) {
  duckdb_result rows;
  must(duckdb_query(connection_, sql.c_str(), &rows), &rows);
  const std::int64_t found = duckdb_value_int64(&rows, 0, 0);
  duckdb_destroy_result(&rows);
  return found;
}

raw_session::raw_session(const raw_duckdb& source, const std::vector<std::string>& statements) {
  duckdb_connect(source.database(), &connection_);
  for (const auto& sql : statements) {
    if (duckdb_prepare(connection_, sql.c_str(), &statements_.emplace_back()) != DuckDBSuccess) {
      throw std::runtime_error(fmt::format("DuckDB: {}", duckdb_prepare_error(statements_.back())));
    }
  }
}

raw_session::~raw_session() {
  for (auto& statement : statements_) duckdb_destroy_prepare(&statement);
  duckdb_disconnect(&connection_);
}

void raw_session::run(std::size_t index, std::int64_t position) {
  if (duckdb_nparams(statements_[index]) > 0) duckdb_bind_int64(statements_[index], 1, position);
  duckdb_result rows;
  must(duckdb_execute_prepared(statements_[index], &rows), &rows);
  fetch_all(&rows);
}

raw_round::raw_round(const raw_duckdb& source, const std::vector<std::string>& statements,
                     std::size_t sessions)
    : statements_(statements.size()),
      begin_(static_cast<std::ptrdiff_t>(sessions) + 1),
      end_(static_cast<std::ptrdiff_t>(sessions) + 1) {
  for (std::size_t index = 0; index < sessions; ++index)
    sessions_.push_back(std::make_unique<raw_session>(source, statements));
  for (const auto& session : sessions_)
    threads_.emplace_back([this, own = session.get()] { work(*own); });
}

raw_round::~raw_round() {
  stopping_ = true;
  begin_.arrive_and_wait();
}

double raw_round::run_ms(std::int64_t position) {
  position_ = position;
  next_ = 0;
  const std::int64_t began_ns = now_ns();
  begin_.arrive_and_wait();
  end_.arrive_and_wait();
  if (failed_) throw std::runtime_error("DuckDB: a query of the round failed");
  return static_cast<double>(now_ns() - began_ns) / 1e6;
}

void raw_round::work(raw_session& own) {
  for (;;) {
    begin_.arrive_and_wait();
    if (stopping_) return;
    try {
      for (std::size_t index = next_++; index < statements_; index = next_++)
        own.run(index, position_);
    } catch (const std::exception&) {
      failed_ = true;
    }
    end_.arrive_and_wait();
  }
}

project_sql read_project(const fs::path& folder, const std::string& dashboard) {
  project_sql made;
  const std::string main_file = read_text(folder / "lodestar.toml");
  constexpr std::string_view table_line = "\n[table.";
  if (const auto at = main_file.find(table_line); at != std::string::npos) {
    const auto begin = at + table_line.size();
    made.load.push_back(fmt::format("CREATE TABLE {} AS FROM ({})",
                                    main_file.substr(begin, main_file.find(']', begin) - begin),
                                    toml_text(std::string_view(main_file).substr(begin), "sql")));
  }
  for (const auto& file : fs::directory_iterator(folder / "events")) {
    const std::string event = read_text(file.path());
    made.table = toml_text(event, "table");
    made.load.push_back(
        fmt::format("CREATE TABLE {}_log AS SELECT 0::BIGINT AS position, NULL::TIMESTAMP AS "
                    "recorded_at, history.* "
                    "FROM ({}) AS history",
                    made.table, toml_text(event, "history_sql")));
  }
  const std::string page = read_text(folder / "dashboards" / (dashboard + ".toml"));
  for (auto at = page.find("\nquery = "); at != std::string::npos;
       at = page.find("\nquery = ", at + 1)) {
    const std::string name = toml_text(std::string_view(page).substr(at), "query");
    if (std::ranges::find(made.query_names, name) != made.query_names.end()) continue;
    made.query_names.push_back(name);
    made.queries.push_back(bounded(made.table, read_text(folder / "queries" / (name + ".sql"))));
  }
  return made;
}

}  // namespace lodestar::bench
