// Runs SQL statements, one an argument, in a DuckDB of its own: how tests write Parquet files.
#include <duckdb.h>

#include <cstdio>

int main(int argc, char** argv) {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  if (duckdb_open(nullptr, &database) != DuckDBSuccess ||
      duckdb_connect(database, &connection) != DuckDBSuccess)
    return 1;
  for (int index = 1; index < argc; ++index) {
    duckdb_result result;
    const bool failed = duckdb_query(connection, argv[index], &result) != DuckDBSuccess;
    if (failed) std::fprintf(stderr, "%s\n", duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    if (failed) return 1;
  }
  duckdb_disconnect(&connection);
  duckdb_close(&database);
}
