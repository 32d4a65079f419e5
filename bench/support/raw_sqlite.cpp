#include "support/raw_sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/sqlite_log/sqlite_log.hpp>

#include "support/report.hpp"

namespace lodestar::bench {
namespace {

constexpr int checkpoint_pages = 4'000;  // As the adapter does.

struct closer {
  void operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using database_handle = std::unique_ptr<sqlite3, closer>;
using statement_handle = std::unique_ptr<sqlite3_stmt, closer>;

void must(sqlite3* database, int status, int expected = SQLITE_OK) {
  if (status != expected)
    throw std::runtime_error(std::string("SQLite: ") + sqlite3_errmsg(database));
}

database_handle open_database(const std::filesystem::path& file) {
  sqlite3* opened = nullptr;
  const int status =
      sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database_handle database(opened);
  must(opened, status);
  return database;
}

void run_sql(sqlite3* database, const char* sql) {
  must(database, sqlite3_exec(database, sql, nullptr, nullptr, nullptr));
}

statement_handle prepare(sqlite3* database, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  must(database, sqlite3_prepare_v2(database, sql, -1, &statement, nullptr));
  return statement_handle(statement);
}

std::string text_of(sqlite3_stmt* statement, int column) {
  return {reinterpret_cast<const char*>(sqlite3_column_text(statement, column)),
          static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

/// Lodestar makes the file, so that the schema is its own.
void create_log(const std::filesystem::path& file) {
  metrics_registry metrics;
  sqlite_log::options options;
  options.file = file;
  if (const auto made = sqlite_log::open(options, system_clock(), metrics); !made) {
    throw std::runtime_error(made.error().describe());
  }
}

void prepare_for_writing(sqlite3* database, const insert_options& how, int* wal_pages) {
  run_sql(database,
          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA "
          "cache_size=-65536;"
          "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864");
  const auto one = [](sqlite3_context* context, int, sqlite3_value**) {
    sqlite3_result_int(context, 1);
  };
  must(database, sqlite3_create_function_v2(database, "only_lodestar_appends_events", 0,
                                            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                            nullptr, one, nullptr, nullptr, nullptr));
  if (!how.insert_trigger) run_sql(database, "DROP TRIGGER events_refuse_foreign_insert");
  const auto remember = [](void* pages, sqlite3*, const char*, int now) {
    *static_cast<int*>(pages) = now;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(database, remember, wal_pages);
}

void bind_text(sqlite3_stmt* insert, int index, const std::string& text) {
  sqlite3_bind_text64(insert, index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void insert_event(sqlite3* database, sqlite3_stmt* insert, const stored_event& event,
                  std::int64_t position) {
  sqlite3_bind_int64(insert, 1, position);
  bind_text(insert, 2, event.event_id);
  bind_text(insert, 3, event.aggregate_type);
  bind_text(insert, 4, event.aggregate_id);
  sqlite3_bind_int64(insert, 5, event.version);
  bind_text(insert, 6, event.event_type);
  sqlite3_bind_int64(insert, 7, event.schema_version);
  bind_text(insert, 8, event.payload);
  bind_text(insert, 9, event.metadata);
  sqlite3_bind_int64(insert, 10, event.recorded_at_us);
  must(database, sqlite3_step(insert), SQLITE_DONE);
  sqlite3_reset(insert);
}

}  // namespace

std::size_t stored_event::text_bytes() const noexcept {
  return event_id.size() + aggregate_type.size() + aggregate_id.size() + event_type.size() +
         payload.size() + metadata.size();
}

std::vector<stored_event> read_events(const std::filesystem::path& file) {
  const auto database = open_database(file);
  const auto select = prepare(
      database.get(),
      "SELECT event_id, aggregate_type, aggregate_id, event_type, payload, metadata, version,"
      " schema_version, recorded_at_us FROM events ORDER BY position");
  std::vector<stored_event> events;
  int status = SQLITE_ROW;
  while ((status = sqlite3_step(select.get())) == SQLITE_ROW) {
    auto& event = events.emplace_back();
    std::string* const texts[] = {&event.event_id,   &event.aggregate_type, &event.aggregate_id,
                                  &event.event_type, &event.payload,        &event.metadata};
    std::int64_t* const numbers[] = {&event.version, &event.schema_version, &event.recorded_at_us};
    for (int column = 0; column < 6; ++column) *texts[column] = text_of(select.get(), column);
    for (int column = 0; column < 3; ++column)
      *numbers[column] = sqlite3_column_int64(select.get(), 6 + column);
  }
  must(database.get(), status, SQLITE_DONE);
  return events;
}

insert_times insert_events(const std::filesystem::path& file,
                           const std::vector<stored_event>& events, const insert_options& how) {
  create_log(file);
  int wal_pages = 0;
  auto database = open_database(file);
  prepare_for_writing(database.get(), how, &wal_pages);
  insert_times times;
  {
    const auto begin = prepare(database.get(), "BEGIN IMMEDIATE");
    const auto commit = prepare(database.get(), "COMMIT");
    const auto insert =
        prepare(database.get(), "INSERT OR FAIL INTO events VALUES(?,?,?,?,?,?,?,?,?,?)");
    const auto run = [&](sqlite3_stmt* statement) {
      must(database.get(), sqlite3_step(statement), SQLITE_DONE);
      sqlite3_reset(statement);
    };
    const stopwatch time;
    for (std::size_t at = 0; at < events.size();) {
      const std::size_t end = std::min(at + how.transaction_events, events.size());
      run(begin.get());
      for (; at < end; ++at)
        insert_event(database.get(), insert.get(), events[at], static_cast<std::int64_t>(at) + 1);
      run(commit.get());
      if (wal_pages < checkpoint_pages) continue;
      must(database.get(), sqlite3_wal_checkpoint_v2(database.get(), nullptr,
                                                     SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr));
      wal_pages = 0;
    }
    times.inserting_s = time.seconds();
  }
  const stopwatch time;
  database.reset();
  times.closing_s = time.seconds();
  return times;
}

void remove_database(const std::filesystem::path& file) {
  for (const char* suffix : {"", "-wal", "-shm", ".lock"})
    std::filesystem::remove(file.string() + suffix);
}

}  // namespace lodestar::bench
