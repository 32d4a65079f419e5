#include "writer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/logging.hpp>

#include "check_batch.hpp"

namespace lodestar::sqlite_log {
namespace {

constexpr auto component = "log";

// What is still queued when closing takes longer is answered with cancelled.
constexpr std::chrono::seconds closing_max{10};

// An unknown outcome reads the same to every caller, whatever SQLite called it.
error unavailable_after(const error& why) {
  if (why.code == error_code::storage_full || why.code == error_code::corrupt) return why;
  if (why.code == error_code::cancelled) return why;
  return {error_code::unavailable, why.message, why.place,
          "whether the events are stored is unknown: send them again with the same event ids"};
}

}  // namespace

writer::instruments::instruments(metrics_registry& metrics)
    : events(metrics.make_counter("lodestar_log_events_appended_total", "Events stored.")),
      commits(metrics.make_counter("lodestar_log_commits_total", "Transactions committed.")),
      refused(metrics.make_counter("lodestar_log_appends_refused_total",
                                   "Appends answered with an error.")),
      storage_errors(metrics.make_counter("lodestar_log_storage_errors_total",
                                          "Transactions and checkpoints that the storage failed.")),
      checkpoints(
          metrics.make_counter("lodestar_log_checkpoints_total", "Checkpoints of the WAL.")),
      commit_time(
          metrics.make_histogram("lodestar_log_commit_seconds", "Time of one transaction.")),
      queue_events(metrics.make_gauge("lodestar_log_queue_events", "Events waiting to be stored.")),
      position(
          metrics.make_gauge("lodestar_log_last_position", "Position of the last durable event.")),
      wal_pages(metrics.make_gauge("lodestar_log_wal_pages", "Pages in the WAL.")),
      writable(metrics.make_gauge("lodestar_log_writable", "1 while appends can be stored.")) {}

writer::writer(const settings& how, clock& time, metrics_registry& metrics,
               std::unique_ptr<appender> opened)
    : how_(how),
      time_(time),
      metrics_(metrics),
      appender_(std::move(opened)),
      checkpoint_due_pages_(how.checkpoint_pages),
      last_position_(appender_->last_position()) {
  metrics_.position.set(last_position());
  metrics_.writable.set(1);
  thread_ = std::thread([this] {
    set_thread_name("log-writer");
    run();
  });
}

writer::~writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    closing_time_ = time_.now() + closing_max;
  }
  queued_.notify_one();
  LODESTAR_ASSERT(std::this_thread::get_id() != thread_.get_id(),
                  "a callback must not destroy the log");
  thread_.join();
}

void writer::append(std::vector<log::new_event> batch, log::append_handler done) {
  if (batch.empty()) return done(std::vector<log::appended>());
  request wanted{std::move(batch), std::move(done), 0, {}};
  auto taken = check_batch(wanted.batch);
  if (taken) taken = enqueue(wanted);
  if (!taken) {
    metrics_.refused.add();
    return wanted.done(std::unexpected(std::move(taken.error())));
  }
  queued_.notify_one();
}

// Moves the request into the queue, or leaves it untouched.
result<void> writer::enqueue(request& wanted) {
  wanted.bytes = text_bytes(wanted.batch);
  const std::size_t events = wanted.batch.size();
  const std::lock_guard lock(mutex_);
  if (stopping_) return fail(error_code::cancelled, "the event log is closing");
  // A batch that is larger than the whole queue still goes through an empty one.
  const bool full = queue_events_ + events > how_.user.queue_events_max ||
                    queue_bytes_ + wanted.bytes > how_.user.queue_bytes_max;
  if (full && !queue_.empty()) {
    return fail(error_code::unavailable,
                fmt::format("{} events are waiting to be stored", queue_events_), {},
                "send more slowly, or wait for answers before you send more");
  }
  queue_events_ += events;
  queue_bytes_ += wanted.bytes;
  metrics_.queue_events.set(static_cast<std::int64_t>(queue_events_));
  queue_.push_back(std::move(wanted));
  return {};
}

void writer::run() {
  for (group work = take_group(); !work.empty(); work = take_group()) {
    commit_group(std::move(work));
    if (appender_ && appender_->wal_pages() >= checkpoint_due_pages_) checkpoint();
  }
  close();
}

void writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto ready = [this] { return stopping_ || !queue_.empty(); };
  const bool pages_left = appender_ && appender_->wal_pages() > 0;
  if (pages_left && !queued_.wait_for(lock, how_.idle_before_checkpoint, ready)) {
    lock.unlock();
    checkpoint();
    lock.lock();
  }
  queued_.wait(lock, ready);
}

// Waits for requests; empty when the log closes and nothing is queued.
writer::group writer::take_group() {
  group taken;
  std::size_t events = 0;
  std::unique_lock lock(mutex_);
  wait_for_work(lock);
  while (!queue_.empty()) {
    auto& next = queue_.front();
    if (!taken.empty() && events + next.batch.size() > how_.user.commit_events_max) break;
    events += next.batch.size();
    queue_bytes_ -= next.bytes;
    taken.push_back(std::move(next));
    queue_.pop_front();
  }
  LODESTAR_ASSERT(events <= queue_events_, "what is taken was queued");
  queue_events_ -= events;
  metrics_.queue_events.set(static_cast<std::int64_t>(queue_events_));
  return taken;
}

void writer::commit_group(group work) {
  const auto started = time_.now();
  const auto before = last_position();
  auto stored = ensure_open();
  if (stored) {
    stored = store(work);
    if (!stored) recover_from(stored.error());
  }
  if (stored) {
    metrics_.commit_time.observe_us(
        std::chrono::duration_cast<microseconds>(time_.now() - started).count());
  } else {
    for (auto& one : work) {
      if (!one.settled) one.answer = std::unexpected(unavailable_after(stored.error()));
    }
  }
  answer_all(work);
  if (last_position() > before) tails_.wake(last_position());
}

bool writer::past_closing_time() {
  const std::lock_guard lock(mutex_);
  return stopping_ && time_.now() > closing_time_;
}

result<void> writer::ensure_open() {
  if (past_closing_time()) return fail(error_code::cancelled, "the event log is closing");
  if (appender_) return {};
  auto opened = appender::open(how_, time_);
  if (!opened) return std::unexpected(opened.error());
  if ((*opened)->last_position() < last_position()) {
    return fail(error_code::corrupt,
                fmt::format("the event log ends at position {}, but {} was acknowledged",
                            (*opened)->last_position(), last_position()),
                how_.user.file.string(), "stop writing and restore the file from a backup");
  }
  appender_ = std::move(*opened);
  checkpoint_due_pages_ = how_.checkpoint_pages;
  metrics_.writable.set(1);
  // What had an unknown outcome may be there: it is durable now.
  publish();
  log_info(component, "the event log was reopened and verified",
           {{"position", appender_->last_position()}});
  return {};
}

// One transaction for the whole group, as long as no batch is refused with some of its events in.
result<void> writer::store(group& work) {
  auto done = appender_->begin();
  for (std::size_t first = 0, index = 0; done && index < work.size(); ++index) {
    auto& current = work[index];
    const auto outcome = appender_->apply(current.batch, current.answer);
    if (!outcome) return std::unexpected(outcome.error());
    if (*outcome != applied::partly) continue;
    done = settle(std::span(work).subspan(first, index - first), current);
    first = index + 1;
  }
  return done ? commit() : done;
}

// Undoes a refused batch: rolls back, stores again what came before it and commits that; a new
// transaction goes on behind it. So each batch is stored at most twice, however many are refused.
result<void> writer::settle(std::span<request> done, request& refused) {
  auto again = appender_->roll_back();
  if (again) again = appender_->begin();
  for (auto one = done.begin(); again && one != done.end(); ++one) {
    const auto outcome = appender_->apply(one->batch, one->answer);
    if (!outcome) return std::unexpected(outcome.error());
    LODESTAR_ASSERT(*outcome != applied::partly,
                    "the same batch on the same log ends the same way");
  }
  if (again) again = commit();
  if (!again) return again;
  for (auto& one : done) one.settled = true;
  refused.settled = true;
  return appender_->begin();
}

result<void> writer::commit() {
  auto done = appender_->commit();
  if (!done) return done;
  metrics_.commits.add();
  publish();
  return done;
}

// Nothing of the transaction may be acknowledged. A full disk leaves a connection that works; after
// anything else what is on the disk is unknown, so the connection goes.
void writer::recover_from(const error& why) {
  metrics_.storage_errors.add();
  log_error(component, "events could not be stored", {{"error", why.describe()}});
  const auto rolled_back = appender_->roll_back();
  if (why.code == error_code::storage_full && rolled_back) return;
  appender_.reset();
  metrics_.writable.set(0);
  // At once, so that the next append finds a store that works; otherwise that append tries again.
  if (const auto reopened = ensure_open(); !reopened) {
    log_error(component, "the event log cannot be written",
              {{"error", reopened.error().describe()}});
  }
}

void writer::answer_all(group& work) {
  for (auto& one : work) {
    if (!one.answer) metrics_.refused.add();
    one.done(std::move(one.answer));
  }
}

void writer::publish() {
  const auto before = last_position();
  const auto now = appender_->last_position();
  LODESTAR_ASSERT(now >= before, "a durable event does not disappear");
  last_position_.store(now, std::memory_order_release);
  metrics_.events.add(static_cast<std::uint64_t>(now - before));
  metrics_.position.set(now);
  metrics_.wal_pages.set(appender_->wal_pages());
}

void writer::checkpoint() {
  const auto progress = appender_->checkpoint(SQLITE_CHECKPOINT_PASSIVE);
  metrics_.checkpoints.add();
  if (!progress) {
    metrics_.storage_errors.add();
    log_warning(component, "a checkpoint failed", {{"error", progress.error().describe()}});
  }
  // Where a reader holds an old snapshot the WAL keeps growing: try again after as many pages, not
  // after each commit.
  checkpoint_due_pages_ = appender_->wal_pages() + how_.checkpoint_pages;
  metrics_.wal_pages.set(appender_->wal_pages());
}

void writer::close() {
  if (!appender_) return;
  // Empties the WAL, so that the file alone is the log. A failure loses nothing: the next start
  // reads the WAL.
  if (const auto done = appender_->checkpoint(SQLITE_CHECKPOINT_TRUNCATE); !done) {
    log_warning(component, "the checkpoint at close failed", {{"error", done.error().describe()}});
  }
  appender_.reset();
}

}  // namespace lodestar::sqlite_log
