// What the tests of this adapter share: a log in a folder of its own, and short ways to make and to
// count events.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/logging.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/log/event_log.hpp>

#include "database.hpp"
#include "settings.hpp"
#include "temp_folder.hpp"

namespace lodestar::sqlite_log {

/// Long loops do a part of their rounds under a sanitizer, which makes them ten times slower.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr int rounds_divisor = 5;
#else
inline constexpr int rounds_divisor = 1;
#endif

inline log::new_event make_event(const std::string& id, const std::string& stream = "ATL") {
  log::new_event made;
  made.event_id = id;
  made.aggregate_type = "Airport";
  made.aggregate_id = stream;
  made.event_type = "FlightDeparted";
  made.payload = fmt::format(R"({{"id":"{}"}})", id);
  return made;
}

inline std::vector<log::new_event> make_batch(const std::string& prefix, std::size_t events,
                                              const std::string& stream = "ATL") {
  std::vector<log::new_event> batch;
  for (std::size_t index = 0; index < events; ++index) {
    batch.push_back(make_event(fmt::format("{}{}", prefix, index), stream));
  }
  return batch;
}

class test_log : public testing::Test {
 protected:
  test_log() { how.user.file = folder / "events.db"; }

  /// Opens (again) what `how` says; the open log is closed before.
  void open() {
    log.reset();
    auto opened = open_with(how, time, metrics);
    ASSERT_TRUE(opened.has_value()) << opened.error().describe();
    log = std::move(*opened);
  }
  [[nodiscard]] result<std::vector<log::appended>> append(std::vector<log::new_event> batch) {
    return log->append_and_wait(std::move(batch));
  }
  [[nodiscard]] result<std::vector<log::appended>> append_one(log::new_event event) {
    std::vector<log::new_event> batch;
    batch.push_back(std::move(event));
    return append(std::move(batch));
  }
  [[nodiscard]] std::vector<log::event> read(const log::read_filter& filter = {}) {
    auto page = log->read(filter);
    EXPECT_TRUE(page.has_value()) << (page ? std::string() : page.error().describe());
    return page ? std::move(page->events) : std::vector<log::event>();
  }
  /// What must hold for every log at any time: positions 1, 2, 3 …, versions 1, 2, 3 … per stream,
  /// unique ids.
  void expect_valid() {
    log.reset();
    auto raw = connection::open(how.user.file, access::read_only, {});
    ASSERT_TRUE(raw.has_value()) << raw.error().describe();
    EXPECT_EQ(raw->query_text("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(raw->query_number("SELECT count(*) - coalesce(max(position), 0) FROM events"), 0);
    EXPECT_EQ(
        raw->query_number("SELECT count(*) FROM (SELECT 1 FROM events GROUP BY aggregate_type,"
                          " aggregate_id HAVING max(version) <> count(*) OR min(version) <> 1)"),
        0);
    EXPECT_EQ(raw->query_number("SELECT count(*) - count(DISTINCT event_id) FROM events"), 0);
  }

  test::temp_folder folder;
  manual_clock time;
  metrics_registry metrics;
  settings how;
  std::unique_ptr<log::event_log> log;
};

}  // namespace lodestar::sqlite_log
