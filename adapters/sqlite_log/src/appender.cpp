#include "appender.hpp"

#include <fmt/format.h>

#include <utility>

#include <lodestar/base/assert.hpp>

#include "schema.hpp"

namespace lodestar::sqlite_log {
namespace {

using log::appended;
using log::new_event;

// What a batch may be refused for; what else store() returns is a failure of the storage.
bool is_refusal(error_code code) noexcept {
  return code == error_code::conflict || code == error_code::already_exists;
}

error conflict_of(const new_event& event, log::version expected, log::version actual) {
  return {error_code::conflict,
          fmt::format("stream {}/{} has version {}, expected was {}", event.aggregate_type,
                      event.aggregate_id, actual, expected),
          {},
          "read the stream again and decide anew"};
}

bool same_content(const new_event& event, statement& stored) noexcept {
  return stored.text(2) == event.aggregate_type && stored.text(3) == event.aggregate_id &&
         stored.text(4) == event.event_type && stored.number(5) == event.schema_version &&
         stored.text(6) == event.payload && stored.text(7) == event.metadata;
}

int remember_wal_pages(void* target, sqlite3*, const char*, int pages) {
  *static_cast<int*>(target) = pages;
  return SQLITE_OK;
}

}  // namespace

result<std::unique_ptr<appender>> appender::open(const settings& how, clock& time) {
  auto opened = open_writer(how, time);
  if (!opened) return std::unexpected(opened.error());
  const auto last = verify_tail(*opened);
  if (!last) return std::unexpected(last.error());
  std::unique_ptr<appender> made(new appender(std::move(*opened), time, how.stream_heads_max));
  made->last_ = made->last_committed_ = *last;
  if (auto prepared = made->prepare(); !prepared) return std::unexpected(prepared.error());
  sqlite3_wal_hook(made->database_.raw(), remember_wal_pages, &made->wal_pages_);
  return made;
}

result<void> appender::prepare() {
  const std::pair<statement*, const char*> texts[] = {
      {&begin_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&rollback_, "ROLLBACK"},
      // FAIL, not ABORT: a row's constraints are checked before anything of it is written, so there
      // is nothing to undo, and SQLite need not keep a statement journal for each row.
      {&insert_, "INSERT OR FAIL INTO events VALUES(?,?,?,?,?,?,?,?,?,?)"},
      {&find_event_,
       "SELECT position, version, aggregate_type, aggregate_id, event_type, schema_version,"
       " payload, metadata FROM events WHERE event_id = ?"},
      {&find_head_,
       "SELECT version FROM events WHERE aggregate_type = ? AND aggregate_id = ?"
       " ORDER BY version DESC LIMIT 1"},
  };
  for (const auto& [target, text] : texts) {
    auto made = database_.prepare(text);
    if (!made) return std::unexpected(made.error());
    *target = std::move(*made);
  }
  return {};
}

result<void> appender::begin() {
  LODESTAR_ASSERT(!database_.in_transaction(), "one transaction at a time");
  const reset_at_exit reset(begin_);
  if (begin_.step() != SQLITE_DONE)
    return std::unexpected(database_.failure("begin a transaction"));
  return {};
}

result<void> appender::commit() {
  const reset_at_exit reset(commit_);
  if (commit_.step() != SQLITE_DONE) return std::unexpected(database_.failure("commit events"));
  LODESTAR_ASSERT(last_ >= last_committed_, "positions only grow");
  last_committed_ = last_;
  return {};
}

result<void> appender::roll_back() {
  heads_.clear();
  last_ = last_committed_;
  // Some errors end the transaction by themselves.
  if (!database_.in_transaction()) return {};
  const reset_at_exit reset(rollback_);
  if (rollback_.step() != SQLITE_DONE) return std::unexpected(database_.failure("roll back"));
  LODESTAR_ASSERT(!database_.in_transaction(), "the transaction is over");
  return {};
}

result<checkpoint_progress> appender::checkpoint(int mode) {
  checkpoint_progress progress;
  if (sqlite3_wal_checkpoint_v2(database_.raw(), nullptr, mode, &progress.wal_pages,
                                &progress.done_pages) != SQLITE_OK) {
    return std::unexpected(database_.failure("checkpoint the event log"));
  }
  // The next commit begins the WAL anew when everything in it was copied.
  wal_pages_ = progress.done_pages == progress.wal_pages ? 0 : progress.wal_pages;
  return progress;
}

result<applied> appender::apply(std::span<const new_event> batch, append_answer& answer) {
  const log::position last_before = last_;
  answer = store_all(batch);
  if (answer) return applied::whole;
  if (!is_refusal(answer.error().code)) return std::unexpected(answer.error());
  return last_ == last_before ? applied::nothing : applied::partly;
}

append_answer appender::store_all(std::span<const new_event> batch) {
  const std::int64_t recorded_at_us = time_.wall_us();
  std::vector<appended> stored;
  stored.reserve(batch.size());
  for (const auto& event : batch) {
    auto one = store(event, recorded_at_us);
    if (!one) {
      if (is_refusal(one.error().code))
        one.error().place = fmt::format("events[{}]", stored.size());
      return std::unexpected(std::move(one.error()));
    }
    stored.push_back(*one);
  }
  return stored;
}

result<appended> appender::store(const new_event& event, std::int64_t recorded_at_us) {
  const auto head = head_of(event);
  if (!head) return std::unexpected(head.error());
  if (event.expected_version && *event.expected_version != **head) {
    // A repeated append finds its own event as the stream's head: that is not a conflict.
    return answer_existing(event, conflict_of(event, *event.expected_version, **head));
  }
  const log::version version = **head + 1;
  const reset_at_exit reset(insert_);
  const int status = insert(event, version, recorded_at_us);
  if (status == SQLITE_DONE) {
    **head = version;
    return appended{++last_, version, false};
  }
  auto why = database_.failure("store an event");
  if ((status & 0xFF) != SQLITE_CONSTRAINT) return std::unexpected(std::move(why));
  return answer_existing(event, std::move(why));
}

result<log::version*> appender::head_of(const new_event& event) {
  if (auto* known = heads_.find(event.aggregate_type, event.aggregate_id)) return known;
  const reset_at_exit reset(find_head_);
  find_head_.bind(1, event.aggregate_type);
  find_head_.bind(2, event.aggregate_id);
  const int status = find_head_.step();
  if (status != SQLITE_ROW && status != SQLITE_DONE) {
    return std::unexpected(database_.failure("look up a stream"));
  }
  const log::version head = status == SQLITE_ROW ? find_head_.number(0) : 0;
  return heads_.add(event.aggregate_type, event.aggregate_id, head);
}

int appender::insert(const new_event& event, log::version version, std::int64_t recorded_at_us) {
  insert_.bind(1, last_ + 1);
  insert_.bind(2, event.event_id);
  insert_.bind(3, event.aggregate_type);
  insert_.bind(4, event.aggregate_id);
  insert_.bind(5, version);
  insert_.bind(6, event.event_type);
  insert_.bind(7, std::int64_t{event.schema_version});
  insert_.bind(8, event.payload);
  insert_.bind(9, event.metadata);
  insert_.bind(10, recorded_at_us);
  return insert_.step();
}

result<appended> appender::answer_existing(const new_event& event, error otherwise) {
  const reset_at_exit reset(find_event_);
  find_event_.bind(1, event.event_id);
  const int status = find_event_.step();
  if (status == SQLITE_DONE) return std::unexpected(std::move(otherwise));
  if (status != SQLITE_ROW) return std::unexpected(database_.failure("look up an event"));
  if (same_content(event, find_event_)) {
    return appended{find_event_.number(0), find_event_.number(1), true};
  }
  return fail(error_code::already_exists,
              fmt::format("event id {} is taken by the different event at position {}",
                          event.event_id, find_event_.number(0)),
              {}, "give the event an id of its own");
}

}  // namespace lodestar::sqlite_log
