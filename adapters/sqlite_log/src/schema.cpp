#include "schema.hpp"

#include <fmt/format.h>

#include <string>

#include <lodestar/base/random.hpp>

namespace lodestar::sqlite_log {
namespace {

constexpr int application_id = 0x4C6F6473;  // "Lods"
constexpr int schema_version = 1;
constexpr int busy_timeout_ms = 5000;
constexpr int tail_positions_checked = 10'000;

// No index by aggregate_type or event_type: each costs 12 to 18 % of the ingest rate, and a scan by
// position answers such a filter at some million events a second.
//
// REPLACE deletes rows without firing delete triggers, so only an insert trigger can stop it.
// Looking for the rows that would be replaced costs 45 % of the ingest rate. Naming a function that
// only Lodestar's writer has costs 25 % and refuses every other program: "no such function:
// only_lodestar_appends_events".
constexpr const char* create_schema = R"sql(
CREATE TABLE events(
  position INTEGER PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  aggregate_type TEXT NOT NULL,
  aggregate_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  event_type TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  payload TEXT NOT NULL,
  metadata TEXT NOT NULL,
  recorded_at_us INTEGER NOT NULL,
  UNIQUE(aggregate_type, aggregate_id, version)
) STRICT;
CREATE TABLE meta(
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events BEGIN
  SELECT RAISE(ABORT, 'the event log is append-only: an event cannot be changed');
END;
CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events BEGIN
  SELECT RAISE(ABORT, 'the event log is append-only: an event cannot be deleted');
END;
CREATE TRIGGER events_refuse_foreign_insert BEFORE INSERT ON events
WHEN only_lodestar_appends_events() IS NOT 1 BEGIN
  SELECT RAISE(ABORT, 'only Lodestar appends events');
END;
)sql";

void answer_one(sqlite3_context* context, int, sqlite3_value**) {
  sqlite3_result_int(context, 1);
}

result<void> register_writer_function(connection& database) {
  const int status =
      sqlite3_create_function_v2(database.raw(), "only_lodestar_appends_events", 0,
                                 SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nullptr,
                                 answer_one, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return std::unexpected(database.failure("register a function"));
  return {};
}

enum class content : std::uint8_t { nothing, event_log };

result<content> identify(connection& database) {
  const auto owner = database.query_number("PRAGMA application_id");
  if (!owner) return std::unexpected(owner.error());
  const auto version = database.query_number("PRAGMA user_version");
  if (!version) return std::unexpected(version.error());
  const auto tables = database.query_number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return std::unexpected(tables.error());
  if (*owner == 0 && *version == 0 && *tables == 0) return content::nothing;
  if (*owner != application_id) {
    return fail(error_code::unsupported,
                "the file is a SQLite database but not an event log of Lodestar", database.file(),
                "choose another file for the event log");
  }
  if (*version != schema_version) {
    return fail(error_code::unsupported,
                fmt::format("the event log has format {}, this version of Lodestar knows format {}",
                            *version, schema_version),
                database.file(), "use the version of Lodestar that wrote it, or a newer one");
  }
  return content::event_log;
}

result<void> create(connection& database, clock& time) {
  // One transaction: a crash leaves an empty file or a complete schema.
  const auto sql = fmt::format(
      "BEGIN IMMEDIATE;{}INSERT INTO meta VALUES('log_id','{}');"
      "PRAGMA application_id={};PRAGMA user_version={};COMMIT;",
      create_schema, make_uuid_v7(time, system_random()), application_id, schema_version);
  if (auto made = database.run(sql.c_str()); !made) {
    auto why = made.error();
    why.message = "cannot create the event log: " + std::string(sqlite3_errmsg(database.raw()));
    return std::unexpected(std::move(why));
  }
  return {};
}

result<void> set_write_pragmas(connection& database, const settings& how) {
  const auto mode = database.query_text("PRAGMA journal_mode=WAL");
  if (!mode) return std::unexpected(mode.error());
  if (*mode != "wal") {
    return fail(error_code::unsupported, "the file system does not support SQLite's WAL mode",
                database.file(), "put the event log on a local disk");
  }
  // journal_size_limit: a WAL that a long read made large is cut back when it is reused.
  const auto sql = fmt::format(
      "PRAGMA synchronous={};PRAGMA wal_autocheckpoint=0;PRAGMA cache_size=-65536;"
      "PRAGMA temp_store=MEMORY;PRAGMA journal_size_limit=67108864",
      how.synchronous);
  return database.run(sql.c_str());
}

result<void> make_recovered_events_durable(connection& database) {
  if (sqlite3_wal_checkpoint_v2(database.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                nullptr) != SQLITE_OK) {
    return std::unexpected(database.failure("checkpoint the event log"));
  }
  return {};
}

error with_foreign_file_hint(error why) {
  if (why.code == error_code::corrupt)
    why.hint = "choose another file, or restore this one from a backup";
  return why;
}

}  // namespace

result<connection> open_writer(const settings& how, clock& time) {
  auto opened = connection::open(how.user.file, access::read_write_create, how.user.vfs);
  if (!opened) return opened;
  sqlite3_busy_timeout(opened->raw(), busy_timeout_ms);
  const auto found = identify(*opened);
  if (!found) return std::unexpected(with_foreign_file_hint(found.error()));
  if (sqlite3_db_readonly(opened->raw(), "main") == 1) {
    return fail(error_code::permission_denied, "the file of the event log cannot be written",
                opened->file(), "give this user write access to the file");
  }
  auto ready = set_write_pragmas(*opened, how);
  if (ready) ready = register_writer_function(*opened);
  if (ready && *found == content::nothing) ready = create(*opened, time);
  if (ready) ready = make_recovered_events_durable(*opened);
  if (!ready) return std::unexpected(ready.error());
  return opened;
}

result<connection> open_reader(const settings& how) {
  auto opened = connection::open(how.user.file, access::read_only, how.user.vfs);
  if (!opened) return opened;
  sqlite3_busy_timeout(opened->raw(), busy_timeout_ms);
  // Only the writer checkpoints, also when a reader happens to be the last one to close.
  sqlite3_db_config(opened->raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  auto ready = opened->run("PRAGMA query_only=1;PRAGMA cache_size=-16384;PRAGMA temp_store=MEMORY");
  if (!ready) return std::unexpected(ready.error());
  return opened;
}

result<log::position> verify_tail(connection& database) {
  const auto last = database.query_number("SELECT max(position) FROM events");
  if (!last) return std::unexpected(last.error());
  const auto first_checked = *last > tail_positions_checked ? *last - tail_positions_checked : 0;
  const auto counted = database.query_number(
      fmt::format("SELECT count(*) FROM events WHERE position > {}", first_checked));
  if (!counted) return std::unexpected(counted.error());
  if (*counted != *last - first_checked) {
    return fail(error_code::corrupt,
                fmt::format("positions are missing between {} and {}", first_checked + 1, *last),
                database.file(), "restore the file from a backup");
  }
  return *last;
}

}  // namespace lodestar::sqlite_log
