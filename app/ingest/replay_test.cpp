// Goal: the demo's events arrive, each once and in order, also when the server refuses some of the
// requests for a while.
#include "ingest/replay.hpp"

#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lodestar/web/server.hpp>

namespace lodestar::app {
namespace {

constexpr const char* three_events =
    "SELECT 'e' || i, 'Sensor', 'a', 'Measured', TIMESTAMP '2001-01-01' + INTERVAL (i) "
    "MILLISECOND, "
    "'{}' FROM range(3) AS t(i)";

std::string select_named(const std::string& rows) {
  return fmt::format(
      "SELECT * FROM ({}) AS t(event_id, aggregate_type, aggregate_id, event_type, event_time, "
      "payload)",
      rows);
}

/// Refuses the first requests with an error and takes all others.
class refusing_server {
 public:
  refusing_server(std::size_t refusals, error_code code) : refusals_(refusals), code_(code) {
    web::server_options settings;
    settings.port = 0;
    settings.threads = 1;
    auto started = web::server::start(
        settings,
        [this](web::request request, web::exchange exchange) {
          exchange.send(answer_to(request.body));
        },
        metrics_);
    if (!started) throw std::runtime_error(started.error().describe());
    server_ = std::move(*started);
  }
  [[nodiscard]] std::string url() const {
    return fmt::format("http://127.0.0.1:{}", server_->port());
  }
  /// Waits until so many requests were answered; false when they do not come.
  [[nodiscard]] bool wait_for_requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return bodies_.size() >= count; });
  }
  [[nodiscard]] std::vector<std::string> bodies() {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  web::response answer_to(const std::string& body) {
    const std::lock_guard lock(mutex_);
    bodies_.push_back(body);
    changed_.notify_all();
    if (bodies_.size() <= refusals_) return web::problem({code_, "refused", {}, {}});
    return web::response::text(201, "application/json", "{}");
  }

  const std::size_t refusals_;
  const error_code code_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> bodies_;
  metrics_registry metrics_;
  std::unique_ptr<web::server> server_;
};

replay_options options_for(const refusing_server& server) {
  return {select_named(three_events), ".", server.url(), 1'000};
}

TEST(replay, sends_the_same_events_again_when_a_refusal_may_pass) {
  for (const auto code : {error_code::unavailable, error_code::storage_full}) {
    refusing_server server(2, code);
    const replay playing(options_for(server), system_clock());
    ASSERT_TRUE(server.wait_for_requests(3));
    const auto bodies = server.bodies();
    EXPECT_THAT(bodies[0], testing::HasSubstr("\"event_id\":\"e0\""));
    EXPECT_EQ(bodies[1], bodies[0]);
    EXPECT_EQ(bodies[2], bodies[0]);
  }
}

TEST(replay, ends_at_once_while_it_waits_to_try_again) {
  refusing_server server(1'000'000, error_code::unavailable);
  {
    const replay playing(options_for(server), system_clock());
    ASSERT_TRUE(server.wait_for_requests(4));
  }
  EXPECT_GE(server.bodies().size(), 4U);
}

}  // namespace
}  // namespace lodestar::app
