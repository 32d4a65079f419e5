// A service over a log in a temporary folder, and ways to wait for it without sleeping.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/analytics/service.hpp>
#include <lodestar/sqlite_log/sqlite_log.hpp>

#include "temp_folder.hpp"

namespace lodestar::analytics::testing {

/// What a service calls back with, waited for.
template <class Value>
class awaited {
 public:
  [[nodiscard]] auto handler() {
    return [promise = promise_](result<Value> outcome) { promise->set_value(std::move(outcome)); };
  }
  [[nodiscard]] result<Value> get() { return future_.get(); }
  [[nodiscard]] bool ready() const {
    return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  std::shared_ptr<std::promise<result<Value>>> promise_ =
      std::make_shared<std::promise<result<Value>>>();
  std::future<result<Value>> future_ = promise_->get_future();
};

/// Looks again and again, for a minute at most; whether the condition came true.
template <class Condition>
[[nodiscard]] bool yield_until(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Lets time pass until the condition came true. One step would not do to end a query: an interrupt
/// that comes before its statement begins is forgotten, and the clock says when it is sent again.
template <class Condition>
[[nodiscard]] bool advance_until(manual_clock& time, Condition condition) {
  return yield_until([&] {
    if (condition()) return true;
    time.advance(milliseconds(1));
    return false;
  });
}

/// Collects the states of a watch.
class state_collector {
 public:
  using state_pointer = std::shared_ptr<const watch_state>;

  [[nodiscard]] auto callback() {
    return [this](state_pointer state) {
      const std::lock_guard lock(mutex_);
      states_.push_back(std::move(state));
      arrived_.notify_all();
    };
  }
  /// The first state that is wanted; waits for it, also among those that came already.
  [[nodiscard]] state_pointer wait(const std::function<bool(const watch_state&)>& wanted) {
    std::unique_lock lock(mutex_);
    for (std::size_t next = 0;; ++next) {
      if (!arrived_.wait_for(lock, std::chrono::seconds(60), [&] { return states_.size() > next; }))
        return nullptr;
      if (wanted(*states_[next])) return states_[next];
    }
  }
  [[nodiscard]] state_pointer wait_position(std::int64_t position) {
    return wait([position](const watch_state& state) { return state.position >= position; });
  }
  [[nodiscard]] std::vector<state_pointer> states() {
    const std::lock_guard lock(mutex_);
    return states_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<state_pointer> states_;
};

inline event_definition flight_definition() {
  return {.event_type = "FlightDeparted",
          .aggregate_type = "Airport",
          .table = "flight",
          .key_column = "origin",
          .fields = {{"destination", value_type::text, true},
                     {"delay", value_type::integer, true},
                     {"departed_at", value_type::timestamp, false},
                     {"fare", value_type::number, false}},
          .history_sql = {},
          .file = "events/flight.toml"};
}

inline query_definition make_query(std::string name, std::string sql) {
  query_definition query;
  query.file = "queries/" + name + ".sql";
  query.title = name;
  query.name = std::move(name);
  query.sql = std::move(sql);
  return query;
}

inline query_definition airport_query() {
  auto query = make_query(
      "airport",
      "SELECT count(*) AS flights, sum(delay) AS delay FROM flight WHERE origin = $airport");
  query.parameters = {{"airport", value_type::text, std::nullopt}};
  query.depends_on = {"events/Airport/{airport}/**"};
  query.depends_on_all = false;
  return query;
}

inline query_definition total_query() {
  return make_query(
      "total",
      "SELECT count(*) AS flights, sum(delay) AS delay, max(position) AS last FROM flight");
}

/// Does not end before its deadline.
inline query_definition heavy_query(std::int64_t deadline_ms) {
  auto query = make_query(
      "heavy",
      "SELECT count(*) FROM range(1000000) a(x), range(1000000) b(y) WHERE (x * y) % 7 = 3");
  query.deadline_ms = deadline_ms;
  return query;
}

class service_fixture : public ::testing::Test {
 protected:
  void SetUp() override {
    settings_.threads = 2;
    settings_.connections = 2;
    sqlite_log::options file;
    file.file = folder_ / "events.db";
    auto opened = sqlite_log::open(file, time(), metrics_);
    ASSERT_TRUE(opened) << opened.error().describe();
    log_ = std::move(*opened);
  }
  void TearDown() override {
    service_.reset();
    log_.reset();
  }

  [[nodiscard]] virtual clock& time() { return system_clock(); }

  void open_service(std::vector<query_definition> queries,
                    std::vector<event_definition> events = {flight_definition()},
                    std::vector<table_definition> tables = {}) {
    service_.reset();
    analytics_metrics_.emplace();
    settings_.project_folder = folder_.path();
    settings_.temp_folder = folder_ / "spill";
    auto opened = service::open(settings_, std::move(events), std::move(tables), std::move(queries),
                                *log_, time(), *analytics_metrics_);
    ASSERT_TRUE(opened) << opened.error().describe();
    service_ = std::move(*opened);
  }

  [[nodiscard]] log::new_event flight(const std::string& origin, int delay,
                                      const std::string& destination = "SFO") {
    log::new_event event;
    event.event_id = "event-" + std::to_string(next_id_++);
    event.aggregate_type = "Airport";
    event.aggregate_id = origin;
    event.event_type = "FlightDeparted";
    event.payload =
        R"({"destination":")" + destination + R"(","delay":)" + std::to_string(delay) + "}";
    return event;
  }
  std::int64_t append(log::new_event event) {
    std::vector<log::new_event> batch;
    batch.push_back(std::move(event));
    return append(std::move(batch));
  }
  std::int64_t append(std::vector<log::new_event> batch) {
    auto outcome = log_->append_and_wait(std::move(batch));
    EXPECT_TRUE(outcome) << outcome.error().describe();
    return outcome ? outcome->back().at : -1;
  }
  void wait_applied(std::int64_t position) {
    awaited<std::int64_t> reached;
    service_->when_applied(position, 60'000, reached.handler());
    const auto outcome = reached.get();
    ASSERT_TRUE(outcome) << outcome.error().describe();
    ASSERT_GE(*outcome, position);
  }
  std::int64_t append_and_apply(log::new_event event) {
    const auto position = append(std::move(event));
    wait_applied(position);
    return position;
  }

  /// False when the query has not begun so often within a minute.
  [[nodiscard]] bool wait_executions(std::string_view name, std::uint64_t count) {
    return yield_until([&] { return executions(name) >= count; });
  }
  /// How many times DuckDB ran a query since the service was opened; cache hits and joined flights
  /// do not count.
  [[nodiscard]] std::uint64_t executions(std::string_view name) {
    return analytics_metrics_
        ->make_counter("lodestar_analytics_query_executions_total", "", {{"query", name}})
        .value();
  }

  [[nodiscard]] bound_query bind(std::string_view name, const parameters& values = {}) {
    auto bound = service_->bind(name, values);
    if (!bound) throw std::runtime_error(bound.error().describe());
    return *bound;
  }
  [[nodiscard]] result<query_answer> get(const bound_query& query, const swr::demand& demand = {}) {
    awaited<query_answer> answer;
    service_->get(query, demand, answer.handler());
    return answer.get();
  }
  [[nodiscard]] result<query_answer> get_as_of(const bound_query& query, std::int64_t position) {
    awaited<query_answer> answer;
    service_->get_as_of(query, position, answer.handler());
    return answer.get();
  }
  [[nodiscard]] static std::string json(const result<query_answer>& answer) {
    return answer ? std::string(answer->value->json()->view())
                  : "error: " + answer.error().describe();
  }
  [[nodiscard]] static std::int64_t integer(const query_result& result, std::size_t column = 0) {
    return std::get<std::int64_t>(result.at(0, column));
  }

  test::temp_folder folder_;
  metrics_registry metrics_;
  std::optional<metrics_registry> analytics_metrics_;  ///< Of the service that is open.
  options settings_;
  std::unique_ptr<log::event_log> log_;
  std::unique_ptr<service> service_;
  int next_id_ = 1;
};

}  // namespace lodestar::analytics::testing
