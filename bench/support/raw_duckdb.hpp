// DuckDB without Lodestar: a project's tables and queries through DuckDB's C API alone.
#pragma once

#include <duckdb.h>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace lodestar::bench {

/// An instance in memory with one connection. Everything throws what DuckDB says. Not thread-safe.
class raw_duckdb {
 public:
  /// Relative file names in SQL start at `folder`.
  explicit raw_duckdb(const std::filesystem::path& folder = ".");
  ~raw_duckdb();
  raw_duckdb(const raw_duckdb&) = delete;
  raw_duckdb& operator=(const raw_duckdb&) = delete;

  void run(const std::string& sql);
  /// The first value of a query's first row.
  [[nodiscard]] std::int64_t number(const std::string& sql);
  [[nodiscard]] duckdb_database database() const noexcept { return database_; }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

/// A connection with prepared statements.
class raw_session {
 public:
  raw_session(const raw_duckdb& source, const std::vector<std::string>& statements);
  ~raw_session();
  raw_session(const raw_session&) = delete;
  raw_session& operator=(const raw_session&) = delete;

  /// Executes statement number `index` as of the position and fetches every row.
  void run(std::size_t index, std::int64_t position);

 private:
  duckdb_connection connection_ = nullptr;
  std::vector<duckdb_prepared_statement> statements_;
};

/// All statements once, shared by sessions that run at the same time, each on a thread of its own.
class raw_round {
 public:
  raw_round(const raw_duckdb& source, const std::vector<std::string>& statements,
            std::size_t sessions);
  ~raw_round();
  raw_round(const raw_round&) = delete;
  raw_round& operator=(const raw_round&) = delete;

  /// Milliseconds from the start of the first to the end of the last.
  double run_ms(std::int64_t position);

 private:
  void work(raw_session& own);

  std::size_t statements_;
  std::vector<std::unique_ptr<raw_session>> sessions_;
  std::barrier<> begin_, end_;
  std::atomic<std::size_t> next_{0};
  std::int64_t position_ = 0;
  bool stopping_ = false;
  std::atomic<bool> failed_{false};
  std::vector<std::jthread> threads_;
};

/// What a project with one event type says, read from its files.
struct project_sql {
  std::string table;              ///< The name queries use; the rows are in TABLE_log.
  std::vector<std::string> load;  ///< Statements that make the tables with their history.
  std::vector<std::string>
      query_names;  ///< The queries of a dashboard, each once, in the order of its tiles.
  std::vector<std::string> queries;  ///< Their SQL as of $lodestar_as_of.
};
[[nodiscard]] project_sql read_project(const std::filesystem::path& folder,
                                       const std::string& dashboard);

}  // namespace lodestar::bench
