#include "feeder.hpp"

#include <algorithm>
#include <utility>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/logging.hpp>

#include "event_key.hpp"

namespace lodestar::analytics {

feeder::feeder(connection_handle connection, log::event_log& source, tick& state, const clock& time,
               metrics_registry& metrics)
    : connection_(std::move(connection)),
      log_(source),
      tick_(state),
      time_(time),
      metrics_(metrics),
      applied_events_(metrics.make_counter("lodestar_analytics_events_applied_total",
                                           "Events applied to the tables")),
      applied_position_(metrics.make_gauge("lodestar_analytics_applied_position",
                                           "Position the tables have reached")),
      page_duration_(metrics.make_histogram("lodestar_analytics_feed_page_seconds",
                                            "Time to apply one page of events")),
      compressor_(compress_rows, metrics) {}

result<std::unique_ptr<feeder>> feeder::open(connection_handle connection,
                                             const std::vector<event_definition>& definitions,
                                             log::event_log& source, tick& state, const clock& time,
                                             metrics_registry& metrics) {
  std::unique_ptr<feeder> made(new feeder(std::move(connection), source, state, time, metrics));
  for (const auto& definition : definitions) {
    auto writer = table_writer::open(made->connection_.get(), definition);
    if (!writer) return std::unexpected(std::move(writer.error()));
    made->targets_.emplace(definition.event_type, target{&definition, std::move(*writer)});
  }
  return made;
}

feeder::~feeder() {
  stop();
}

result<void> feeder::catch_up() {
  for (;;) {
    auto applied = apply_page();
    if (!applied) return std::unexpected(std::move(applied.error()));
    compressor_.run_if_due(connection_.get());
    if (applied->at_end) return {};
  }
}

void feeder::start(listener told) {
  told_ = std::move(told);
  // Subscribed before the thread reads: an event that is committed in between is found by the read
  // or by the wake-up.
  subscription_ = log_.subscribe([this](log::position) {
    const std::lock_guard lock(mutex_);
    wake_.notify_one();
  });
  thread_ = std::thread([this] {
    set_thread_name("analytics-feed");
    run();
  });
}

void feeder::stop() {
  subscription_.reset();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<error> feeder::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void feeder::run() {
  while (wait_for_events()) {
    const auto began = time_.now();
    auto applied = apply_page();
    if (!applied && is_retryable(applied.error().code)) {
      wait_to_retry(applied.error());
      continue;
    }
    if (!applied) return fail_with(std::move(applied.error()));
    if (applied->events == 0) continue;
    told_.advanced(tick_.applied.load(std::memory_order_acquire), !applied->at_end);
    if (applied->at_end && applied->events >= rest_events_min) rest_after(time_.now() - began);
    compressor_.run_if_due(connection_.get());
  }
}

bool feeder::wait_for_events() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] {
    return stopping_ || log_.last_position() > tick_.applied.load(std::memory_order_acquire);
  });
  return !stopping_;
}

void feeder::rest_after(nanoseconds page_duration) {
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, std::min<nanoseconds>(rest_factor * page_duration, rest_max),
                    [this] { return stopping_; });
}

void feeder::wait_to_retry(const error& reason) {
  log_warning("analytics", "the log cannot be read at present", {{"reason", reason.describe()}});
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, retry_delay, [this] { return stopping_; });
}

result<feeder::applied_page> feeder::apply_page() {
  log::read_filter next;
  next.after = tick_.applied.load(std::memory_order_acquire);
  next.events_max = page_events_max;
  auto page = log_.read(next);
  if (!page) return std::unexpected(std::move(page.error()));
  if (page->events.empty()) return applied_page{0, page->at_end};
  const auto began = time_.now();
  if (auto written = write_rows(page->events); !written)
    return std::unexpected(std::move(written.error()));
  move(page->events);
  applied_events_.add(page->events.size());
  applied_position_.set(page->through);
  page_duration_.observe_us(std::chrono::duration_cast<microseconds>(time_.now() - began).count());
  return applied_page{page->events.size(), page->at_end};
}

result<void> feeder::write_rows(const std::vector<log::event>& page) {
  if (auto begun = run_statement(connection_.get(), "BEGIN"); !begun) return begun;
  for (const auto& event : page) {
    if (auto appended = append_row(event); !appended) return appended;
  }
  if (auto flushed = flush_tables(); !flushed) return flushed;
  return run_statement(connection_.get(), "COMMIT");
}

result<void> feeder::append_row(const log::event& event) {
  const auto found = targets_.find(event.event_type);
  if (found == targets_.end())
    return {};  // An event without a table still moves what depends on its key.
  if (auto read = reader_.read(event, found->second.definition->fields, row_); !read) {
    skip(event, read.error());
    return {};
  }
  return found->second.writer.append(event, row_);
}

result<void> feeder::flush_tables() {
  for (auto& [type, table] : targets_) {
    if (table.writer.pending_rows() == 0) continue;
    compressor_.add_rows(table.writer.pending_rows());
    if (auto flushed = table.writer.flush(); !flushed) return flushed;
  }
  return {};
}

void feeder::skip(const log::event& event, const error& reason) {
  // Only types that are declared come here, so the number of label sets is bounded.
  metrics_
      .make_counter("lodestar_analytics_events_skipped_total",
                    "Events left out of their table because they do not fit it",
                    {{"event_type", event.event_type}})
      .add();
  if (!reported_types_.insert(event.event_type).second) return;
  log_warning(
      "analytics",
      "an event does not fit its table and is left out; further ones of its type are only counted",
      {{"event_type", event.event_type},
       {"position", event.at},
       {"event_id", event.event_id},
       {"reason", reason.message}});
}

void feeder::move(const std::vector<log::event>& page) {
  std::vector<std::string> keys;
  keys.reserve(page.size());
  for (const auto& event : page) keys.push_back(event_key(event));
  // All move to the page's last position: the rows of the whole page became visible in one commit.
  const auto position = page.back().at;
  const std::lock_guard lock(tick_.mutex);
  for (const auto& key : keys) tick_.moved.bump(key, position);
  tick_.applied.store(position, std::memory_order_release);
}

void feeder::fail_with(error reason) {
  reason.message = "the event tables cannot follow the log: " + reason.message;
  if (reason.hint.empty()) reason.hint = "restart the server: the tables are rebuilt from the log";
  log_error("analytics", reason.message, {{"place", reason.place}, {"hint", reason.hint}});
  {
    const std::lock_guard lock(mutex_);
    failure_ = reason;
  }
  told_.failed(reason);
}

}  // namespace lodestar::analytics
