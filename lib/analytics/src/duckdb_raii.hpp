// Owners for the handles of DuckDB's C API, and its errors as ours.
#pragma once

#include <duckdb.h>

#include <string_view>
#include <utility>

#include <lodestar/base/error.hpp>

namespace lodestar::analytics {

/// Owns a handle that DuckDB gives out through a pointer and takes back through one.
template <class Handle, auto Destroy>
class duckdb_owner {
 public:
  duckdb_owner() = default;
  explicit duckdb_owner(Handle handle) noexcept : handle_(handle) {}
  duckdb_owner(duckdb_owner&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  duckdb_owner& operator=(duckdb_owner&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  duckdb_owner(const duckdb_owner&) = delete;
  duckdb_owner& operator=(const duckdb_owner&) = delete;
  ~duckdb_owner() {
    if (handle_ != nullptr) Destroy(&handle_);
  }

  [[nodiscard]] Handle get() const noexcept { return handle_; }
  /// For calls that fill in a new handle; only on an empty owner.
  [[nodiscard]] Handle* out() noexcept { return &handle_; }
  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }

 private:
  Handle handle_ = nullptr;
};

using database_handle = duckdb_owner<duckdb_database, duckdb_close>;
using connection_handle = duckdb_owner<duckdb_connection, duckdb_disconnect>;
using prepared_handle = duckdb_owner<duckdb_prepared_statement, duckdb_destroy_prepare>;
using extracted_handle = duckdb_owner<duckdb_extracted_statements, duckdb_destroy_extracted>;
using config_handle = duckdb_owner<duckdb_config, duckdb_destroy_config>;
using pending_handle = duckdb_owner<duckdb_pending_result, duckdb_destroy_pending>;
using chunk_handle = duckdb_owner<duckdb_data_chunk, duckdb_destroy_data_chunk>;
using type_handle = duckdb_owner<duckdb_logical_type, duckdb_destroy_logical_type>;
using appender_handle = duckdb_owner<duckdb_appender, duckdb_appender_destroy>;

/// A materialised result.
class result_handle {
 public:
  result_handle() = default;
  result_handle(const result_handle&) = delete;
  result_handle& operator=(const result_handle&) = delete;
  ~result_handle() { duckdb_destroy_result(&result_); }
  [[nodiscard]] duckdb_result* get() noexcept { return &result_; }

 private:
  duckdb_result result_{};
};

/// DuckDB's message as an error: the kind ("Binder Error: ") is cut off, candidates become the
/// hint, and what DuckDB draws to show the place is left out.
[[nodiscard]] error duckdb_failure(duckdb_error_type type, std::string_view message);

/// The line that DuckDB's message points to (1, 2 …), 0 when it names none.
[[nodiscard]] int duckdb_message_line(std::string_view message) noexcept;

}  // namespace lodestar::analytics
