#include "ingest/replay.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <lodestar/analytics/row_reader.hpp>
#include <lodestar/analytics/timestamp.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/logging.hpp>

#include "ingest/event_sink.hpp"

namespace lodestar::app {
namespace {

constexpr std::array<std::string_view, 6> wanted_columns = {
    "event_id", "aggregate_type", "aggregate_id", "event_type", "event_time", "payload"};
constexpr std::size_t catch_up_events_max = 1'000;
constexpr std::size_t live_events_max = 200;
constexpr milliseconds tick{50};
constexpr milliseconds retry_pause_min{100};
constexpr milliseconds retry_pause_max{5'000};

struct timed_event {
  std::int64_t time_us = 0;
  log::new_event event;
};

/// Reads the recorded events one by one.
class recording {
 public:
  static result<recording> open(const replay_options& options) {
    auto rows = analytics::row_reader::open(options.events_sql, options.folder);
    if (!rows)
      return fail(rows.error().code, rows.error().message, "demo.events_sql", rows.error().hint);
    if ((*rows)->columns().size() != wanted_columns.size() ||
        !std::equal(wanted_columns.begin(), wanted_columns.end(), (*rows)->columns().begin())) {
      return fail(
          error_code::invalid_argument,
          "must select event_id, aggregate_type, aggregate_id, event_type, event_time, payload",
          "demo.events_sql");
    }
    return recording(std::move(*rows));
  }

  /// The next event without taking it; null at the end.
  result<const timed_event*> peek() {
    if (next_) return &*next_;
    if (row_ == chunk_rows_) {
      const auto rows = rows_->next_chunk();
      if (!rows) return std::unexpected(rows.error());
      chunk_rows_ = *rows;
      row_ = 0;
      if (chunk_rows_ == 0) return nullptr;
    }
    const auto text = [this](std::size_t column) {
      return std::string(rows_->at(row_, column).value_or(""));
    };
    const auto time_us = analytics::parse_timestamp_us(text(4));
    if (!time_us)
      return fail(error_code::invalid_argument,
                  fmt::format("event_time \"{}\" is not a timestamp", text(4)), "demo.events_sql");
    next_.emplace();
    next_->time_us = *time_us;
    next_->event.event_id = text(0);
    next_->event.aggregate_type = text(1);
    next_->event.aggregate_id = text(2);
    next_->event.event_type = text(3);
    next_->event.payload = text(5);
    ++row_;
    return &*next_;
  }
  log::new_event take() { return std::move(std::exchange(next_, std::nullopt)->event); }

 private:
  explicit recording(std::unique_ptr<analytics::row_reader> rows) : rows_(std::move(rows)) {}

  std::unique_ptr<analytics::row_reader> rows_;
  std::size_t chunk_rows_ = 0, row_ = 0;
  std::optional<timed_event> next_;
};

}  // namespace

result<void> check_recording(const replay_options& options) {
  const auto opened = recording::open(options);
  if (!opened) return std::unexpected(opened.error());
  return {};
}

replay::replay(replay_options options, clock& time)
    : options_(std::move(options)), time_(time), thread_([this] {
        set_thread_name("replay");
        run();
      }) {}

replay::~replay() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void replay::run() {
  if (const auto played = play(); !played) {
    log_error("replay", played.error().message,
              {{"place", played.error().place}, {"hint", played.error().hint}});
  }
}

result<void> replay::play() {
  auto events = recording::open(options_);
  if (!events) return std::unexpected(std::move(events.error()));
  auto sink = make_server_sink(options_.server_url);
  if (!sink) return std::unexpected(std::move(sink.error()));
  std::optional<std::pair<steady_time, std::int64_t>> anchor;  // this moment is that recorded time
  std::uint64_t stored_before = 0;
  while (wait_until(anchor ? time_.now() + tick : time_.now())) {
    event_batch batch;
    std::int64_t last_us = 0;
    const std::size_t events_max = anchor ? live_events_max : catch_up_events_max;
    while (batch.events.size() < events_max) {
      const auto next = events->peek();
      if (!next) return std::unexpected(next.error());
      if (*next == nullptr) break;
      const std::int64_t elapsed_us =
          anchor ? std::chrono::duration_cast<microseconds>(time_.now() - anchor->first).count() *
                       options_.speed
                 : 0;
      if (anchor && (*next)->time_us > anchor->second + elapsed_us) break;
      last_us = (*next)->time_us;
      batch.events.push_back(events->take());
    }
    if (batch.events.empty()) {
      const auto next = events->peek();
      if (next && *next == nullptr) break;
      continue;
    }
    if (auto put = put_until_taken(**sink, batch); !put) return put;
    const auto stored = (*sink)->finish().count.stored;
    if (!anchor && stored > stored_before) anchor.emplace(time_.now(), last_us);
    stored_before = stored;
  }
  const auto count = (*sink)->finish().count;
  log_info("replay", "ended", {{"events", count.stored + count.duplicates}});
  return {};
}

result<void> replay::put_until_taken(event_sink& sink, const event_batch& batch) {
  for (nanoseconds pause = retry_pause_min;;
       pause = std::min<nanoseconds>(2 * pause, retry_pause_max)) {
    const auto put = sink.put(batch);
    const bool retried = pause > retry_pause_min;
    if (put && retried) log_info("replay", "goes on");
    if (put || !is_retryable(put.error().code)) return put;
    if (!retried) log_warning("replay", put.error().message, {{"hint", "it is tried again"}});
    if (!wait_until(time_.now() + pause)) return {};
  }
}

bool replay::wait_until(steady_time when) {
  std::unique_lock lock(mutex_);
  const auto left = when - time_.now();
  if (left > nanoseconds::zero()) changed_.wait_for(lock, left, [this] { return stopping_; });
  return !stopping_;
}

}  // namespace lodestar::app
