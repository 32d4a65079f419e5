#include "database.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::sqlite_log {
namespace {

bool means_no_space(int system_error) noexcept {
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

bool means_no_permission(int system_error) noexcept {
  return system_error == EACCES || system_error == EPERM || system_error == EROFS;
}

error_code classify(int primary, int system_error) noexcept {
  switch (primary) {
    case SQLITE_FULL: return error_code::storage_full;
    case SQLITE_IOERR:
      return means_no_space(system_error) ? error_code::storage_full : error_code::unavailable;
    case SQLITE_CANTOPEN:
      if (means_no_space(system_error)) return error_code::storage_full;
      return means_no_permission(system_error) ? error_code::permission_denied
                                               : error_code::unavailable;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return error_code::permission_denied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return error_code::unavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return error_code::corrupt;
    default: return error_code::internal;
  }
}

std::string hint_for(error_code code, int primary) {
  if (primary == SQLITE_BUSY) return "close the other program that has the file open";
  switch (code) {
    case error_code::storage_full:
      return "free space on this disk; appending then goes on by itself";
    case error_code::permission_denied:
      return "give this user write access to the file and its folder";
    case error_code::corrupt: return "move the file away and restore it from a backup";
    case error_code::unavailable: return "look at the disk and its messages in the system log";
    default: return {};
  }
}

error make_error(int extended, int system_error, std::string_view doing, std::string_view detail,
                 const std::string& file) {
  const int primary = extended & 0xFF;
  const error_code code = classify(primary, system_error);
  return {code, fmt::format("cannot {}: {} (SQLite error {})", doing, detail, extended), file,
          hint_for(code, primary)};
}

}  // namespace

void statement::bind(int index, std::string_view text) noexcept {
  // A null pointer would bind NULL; an empty text must stay a text.
  const char* data = text.data() == nullptr ? "" : text.data();
  const int status =
      sqlite3_bind_text64(handle_.get(), index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  LODESTAR_ASSERT(status == SQLITE_OK || status == SQLITE_NOMEM, "the parameter exists");
}

void statement::bind(int index, std::int64_t number) noexcept {
  const int status = sqlite3_bind_int64(handle_.get(), index, number);
  LODESTAR_ASSERT(status == SQLITE_OK || status == SQLITE_NOMEM, "the parameter exists");
}

int statement::step() noexcept {
  return sqlite3_step(handle_.get());
}

void statement::reset() noexcept {
  sqlite3_reset(handle_.get());
}

std::int64_t statement::number(int column) noexcept {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view statement::text(int column) noexcept {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  const int bytes = sqlite3_column_bytes(handle_.get(), column);
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(bytes));
}

result<connection> connection::open(const std::filesystem::path& file, access mode,
                                    const std::string& vfs) {
  LODESTAR_ASSERT(sqlite3_libversion_number() >= 3051003,
                  "older versions can corrupt the WAL when it is reset");
  const int how =
      mode == access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int status =
      sqlite3_open_v2(file.c_str(), &handle, how | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                      vfs.empty() ? nullptr : vfs.c_str());
  if (handle == nullptr) return fail(error_code::internal, "out of memory", file.string());
  connection opened(handle, file.string());
  if (status != SQLITE_OK) return std::unexpected(opened.failure("open the event log"));
  return opened;
}

result<void> connection::run(const char* sql) {
  if (sqlite3_exec(raw(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(failure(fmt::format("run {}", sql)));
}

result<statement> connection::prepare(std::string_view sql) {
  sqlite3_stmt* made = nullptr;
  const int status = sqlite3_prepare_v3(raw(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  statement prepared(made);
  if (status != SQLITE_OK) return std::unexpected(failure("prepare a statement"));
  return prepared;
}

result<std::int64_t> connection::query_number(std::string_view sql) {
  auto prepared = prepare(sql);
  if (!prepared) return std::unexpected(prepared.error());
  const int status = prepared->step();
  if (status == SQLITE_DONE) return 0;
  if (status != SQLITE_ROW) return std::unexpected(failure("read the event log"));
  return prepared->number(0);
}

result<std::string> connection::query_text(std::string_view sql) {
  auto prepared = prepare(sql);
  if (!prepared) return std::unexpected(prepared.error());
  const int status = prepared->step();
  if (status == SQLITE_DONE) return std::string();
  if (status != SQLITE_ROW) return std::unexpected(failure("read the event log"));
  return std::string(prepared->text(0));
}

error connection::failure(std::string_view doing) const {
  return make_error(sqlite3_extended_errcode(raw()), sqlite3_system_errno(raw()), doing,
                    sqlite3_errmsg(raw()), file_);
}

}  // namespace lodestar::sqlite_log
