#include "database.hpp"

#include <utility>

#include <fmt/format.h>

#include <lodestar/analytics/sql_quote.hpp>

namespace lodestar::analytics {
namespace {

/// Options that must hold from the first statement on. (List options do not work here; none is
/// needed.)
result<config_handle> make_config(const options& settings) {
  config_handle config;
  if (duckdb_create_config(config.out()) != DuckDBSuccess)
    return fail(error_code::internal, "DuckDB has no memory for its settings");
  const auto set = [&config](const char* name, const std::string& value) {
    return duckdb_set_config(config.get(), name, value.c_str()) == DuckDBSuccess;
  };
  bool accepted = set("autoinstall_known_extensions", "false") &&
                  set("autoload_known_extensions", "false") &&
                  // Freed memory goes back to the system in the background, not only when a thread
                  // happens to free more.
                  set("allocator_background_threads", "true");
  if (settings.threads > 0) accepted = accepted && set("threads", std::to_string(settings.threads));
  if (settings.memory_bytes_max > 0)
    accepted = accepted && set("memory_limit", fmt::format("{}B", settings.memory_bytes_max));
  if (!settings.temp_folder.empty())
    accepted = accepted && set("temp_directory", settings.temp_folder.string());
  if (!accepted)
    return fail(error_code::internal, "this DuckDB does not know a setting that Lodestar needs");
  return config;
}

}  // namespace

result<void> run_statement(duckdb_connection connection, const std::string& sql) {
  result_handle answer;
  if (duckdb_query(connection, sql.c_str(), answer.get()) == DuckDBSuccess) return {};
  const char* message = duckdb_result_error(answer.get());
  return std::unexpected(
      duckdb_failure(duckdb_result_error_type(answer.get()), message == nullptr ? "" : message));
}

result<database> database::open(const options& settings) {
  auto config = make_config(settings);
  if (!config) return std::unexpected(std::move(config.error()));
  database_handle instance;
  char* message = nullptr;
  if (duckdb_open_ext(":memory:", instance.out(), config->get(), &message) != DuckDBSuccess) {
    auto failure = fail(error_code::unavailable, fmt::format("DuckDB does not start: {}",
                                                             message == nullptr ? "" : message));
    duckdb_free(message);
    return failure;
  }
  connection_handle loader;
  if (duckdb_connect(instance.get(), loader.out()) != DuckDBSuccess)
    return fail(error_code::internal, "DuckDB gives no connection");
  database opened(std::move(instance), std::move(loader));
  // Else a TIMESTAMP WITH TIME ZONE is cast in the zone of the machine. For the instance, so that
  // every connection begins with it; not in make_config: the setting is ICU's, which is loaded now.
  if (const auto utc = opened.load("SET GLOBAL TimeZone = 'UTC'"); !utc)
    return std::unexpected(utc.error());
  if (!settings.project_folder.empty()) {
    const auto search_path =
        opened.load("SET file_search_path = " + quote_literal(settings.project_folder.string()));
    if (!search_path) return std::unexpected(search_path.error());
  }
  return opened;
}

result<connection_handle> database::connect() const {
  connection_handle connection;
  if (duckdb_connect(instance_.get(), connection.out()) != DuckDBSuccess)
    return fail(error_code::internal, "DuckDB gives no connection");
  return connection;
}

result<void> database::load(const std::string& sql, std::string_view place) {
  auto done = run_statement(loader_.get(), sql);
  if (!done) done.error().place = place;
  return done;
}

result<void> database::seal() {
  for (const char* statement :
       {"SET enable_external_access = false", "SET lock_configuration = true"}) {
    if (auto done = load(statement); !done) return done;
  }
  return {};
}

}  // namespace lodestar::analytics
