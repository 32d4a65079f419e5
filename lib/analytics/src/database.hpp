// The DuckDB instance: in memory, limited, and closed to the outside once it is loaded.
//
// Thread-safety: connect() from any thread; load() and seal() at start, from one thread.
#pragma once

#include <string>

#include <lodestar/analytics/service.hpp>

#include "duckdb_raii.hpp"

namespace lodestar::analytics {

class database {
 public:
  [[nodiscard]] static result<database> open(const options& settings);

  /// A new connection; the handle must be gone before the database is.
  [[nodiscard]] result<connection_handle> connect() const;

  /// Runs one statement on the loading connection; errors carry `place`.
  [[nodiscard]] result<void> load(const std::string& sql, std::string_view place = {});

  /// After this no statement of any connection reaches files, extensions or settings.
  [[nodiscard]] result<void> seal();

 private:
  database(database_handle instance, connection_handle loader)
      : instance_(std::move(instance)), loader_(std::move(loader)) {}

  database_handle instance_;
  connection_handle loader_;
};

/// Runs one statement whose rows do not matter.
[[nodiscard]] result<void> run_statement(duckdb_connection connection, const std::string& sql);

}  // namespace lodestar::analytics
