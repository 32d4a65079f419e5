// SQLite's C API as values: a connection, its statements, and its errors as lodestar::error.
//
// Not thread-safe: a connection and its statements belong to one thread at a time. A statement must
// be destroyed before its connection.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>
#include <lodestar/base/error.hpp>

namespace lodestar::sqlite_log {

/// One prepared statement. bind() numbers parameters from 1, column() from 0.
class statement {
 public:
  statement() = default;
  explicit statement(sqlite3_stmt* made) noexcept : handle_(made) {}

  /// The text must stay alive until the statement is reset.
  void bind(int index, std::string_view text) noexcept;
  void bind(int index, std::int64_t number) noexcept;
  /// SQLITE_ROW, SQLITE_DONE or an error, for which connection::failure() has the details until
  /// reset().
  [[nodiscard]] int step() noexcept;
  void reset() noexcept;
  [[nodiscard]] std::int64_t number(int column) noexcept;
  [[nodiscard]] std::string_view text(int column) noexcept;

 private:
  struct finalizer {
    void operator()(sqlite3_stmt* gone) const noexcept { sqlite3_finalize(gone); }
  };
  std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

/// Resets a statement at the end of a scope, so that no read transaction outlives the function that
/// began it.
class reset_at_exit {
 public:
  explicit reset_at_exit(statement& used) noexcept : used_(used) {}
  ~reset_at_exit() { used_.reset(); }
  reset_at_exit(const reset_at_exit&) = delete;
  reset_at_exit& operator=(const reset_at_exit&) = delete;

 private:
  statement& used_;
};

enum class access : std::uint8_t { read_only, read_write_create };

class connection {
 public:
  [[nodiscard]] static result<connection> open(const std::filesystem::path& file, access mode,
                                               const std::string& vfs);

  [[nodiscard]] result<void> run(const char* sql);
  [[nodiscard]] result<statement> prepare(std::string_view sql);
  /// The first column of the first row as a number; 0 when there is no row.
  [[nodiscard]] result<std::int64_t> query_number(std::string_view sql);
  [[nodiscard]] result<std::string> query_text(std::string_view sql);

  /// The error of the last call that failed, as a value. `doing` completes "cannot …".
  [[nodiscard]] error failure(std::string_view doing) const;
  [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(raw()) == 0; }
  [[nodiscard]] sqlite3* raw() const noexcept { return handle_.get(); }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }

 private:
  struct closer {
    void operator()(sqlite3* gone) const noexcept { sqlite3_close_v2(gone); }
  };
  connection(sqlite3* opened, std::string file) : handle_(opened), file_(std::move(file)) {}

  std::unique_ptr<sqlite3, closer> handle_;
  std::string file_;
};

}  // namespace lodestar::sqlite_log
