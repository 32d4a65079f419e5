// What Lodestar adds to DuckDB: the same SQL on the same rows with DuckDB's C API alone and through
// the service with an empty cache, in turns in one process; then how fast a cached answer and a
// bound request are, how long one event takes from the log into the tables and to a watch, and what
// loading takes.
//
//   cold_query [--json FILE] [PARQUET]
//
// Not measured: HTTP, the durable log (events come from memory), and contention with other
// processes.
#include <duckdb.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <lodestar/analytics/service.hpp>

#include "duckdb_raii.hpp"
#include "testing/memory_log.hpp"

namespace lodestar::analytics {
namespace {

constexpr int rounds = 200;

using stopwatch = std::chrono::steady_clock;

double since_us(stopwatch::time_point begin) {
  return std::chrono::duration<double, std::micro>(stopwatch::now() - begin).count();
}

struct sample {
  std::vector<double> values;
  [[nodiscard]] double quantile(double share) {
    std::ranges::sort(values);
    return values.empty()
               ? 0
               : values[std::min(
                     values.size() - 1,
                     static_cast<std::size_t>(share * static_cast<double>(values.size())))];
  }
};

struct row {
  std::string subject;
  std::string measured;
  std::string metric;
  std::string unit;
  double value;
};

class report {
 public:
  void add(std::string subject, std::string measured, std::string metric, std::string unit,
           double value) {
    fmt::print("{:<10} {:<34} {:<8} {:>12.2f} {}\n", subject, measured, metric, value, unit);
    std::fflush(stdout);
    rows_.push_back(
        {std::move(subject), std::move(measured), std::move(metric), std::move(unit), value});
  }
  void write(const std::string& file) const {
    std::ofstream out(file);
    out << "{\"name\":\"cold_query\",\"machine\":\"" << std::thread::hardware_concurrency()
        << " cores\",\"rows\":[";
    for (std::size_t index = 0; index < rows_.size(); ++index) {
      const auto& each = rows_[index];
      out << (index == 0 ? "" : ",")
          << fmt::format(R"({{"subject":"{}","case":"{}","metric":"{}","unit":"{}","value":{}}})",
                         each.subject, each.measured, each.metric, each.unit, each.value);
    }
    out << "]}\n";
  }

 private:
  std::vector<row> rows_;
};

std::int64_t resident_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atoll(line.c_str() + 6) / 1024;
  }
  return 0;
}

std::string history(const std::string& parquet) {
  if (!parquet.empty())
    return "SELECT origin, destination, date, delay, distance FROM '" + parquet + "'";
  return "SELECT 'A' || (i * 7919 % 254) AS origin, 'A' || (i * 104729 % 254) AS destination, "
         "TIMESTAMP '2001-01-01' + INTERVAL (i * 5) SECOND AS date, "
         "i * 31 % 300 - 30 AS delay, 100 + i * 37 % 2500 AS distance FROM range(3000000) r(i)";
}

event_definition flight(const std::string& parquet) {
  return {"FlightDeparted",
          "Airport",
          "flight",
          "origin",
          {{"destination", value_type::text, true},
           {"date", value_type::timestamp, true},
           {"delay", value_type::integer, true},
           {"distance", value_type::integer, true}},
          history(parquet),
          "bench"};
}

query_definition query(std::string name, std::string sql) {
  query_definition made;
  made.file = "bench";
  made.name = std::move(name);
  made.sql = std::move(sql);
  return made;
}

std::vector<query_definition> queries() {
  auto one =
      query("one airport",
            "SELECT count(*) AS flights, avg(delay) AS delay FROM flight WHERE origin = $airport");
  one.parameters = {{"airport", value_type::text, "ATL"}};
  one.depends_on = {"events/Airport/{airport}/**"};
  one.depends_on_all = false;
  return {
      query("newest events",
            "SELECT count(*) AS n, sum(delay) AS delay FROM flight WHERE position > 0"),
      query(
          "totals",
          "SELECT count(*) AS flights, avg(delay) AS delay, sum(distance) AS distance FROM flight"),
      std::move(one),
      query("top airports",
            "SELECT origin, count(*) AS flights, avg(delay) AS delay FROM flight GROUP BY origin "
            "ORDER BY flights DESC, origin LIMIT 20"),
      query("5000 rows",
            "SELECT origin, destination, date, delay FROM flight ORDER BY date, origin, "
            "destination LIMIT 5000")};
}

/// DuckDB alone: the same table, loaded the same way.
class raw_duckdb {
 public:
  explicit raw_duckdb(const std::string& parquet) {
    duckdb_open(nullptr, database_.out());
    duckdb_connect(database_.get(), connection_.out());
    run("CREATE TABLE flight AS SELECT 0::BIGINT AS position, NULL::TIMESTAMP AS recorded_at, * "
        "FROM (" +
        history(parquet) + ")");
    run("CHECKPOINT");
  }
  void run(const std::string& sql) {
    result_handle rows;
    if (duckdb_query(connection_.get(), sql.c_str(), rows.get()) != DuckDBSuccess)
      fmt::print("{}\n", duckdb_result_error(rows.get()));
    for (;;) {
      const chunk_handle chunk(duckdb_fetch_chunk(*rows.get()));
      if (!chunk || duckdb_data_chunk_get_size(chunk.get()) == 0) break;
    }
  }

 private:
  database_handle database_;
  connection_handle connection_;
};

std::string with_value(std::string sql) {
  if (const auto at = sql.find("$airport"); at != std::string::npos) sql.replace(at, 8, "'ATL'");
  return sql;
}

void ask(service& asked, const bound_query& bound, bool bypass) {
  std::promise<void> answered;
  asked.get(bound, {.bypass = bypass}, [&](const result<query_answer>& answer) {
    if (!answer) fmt::print("{}\n", answer.error().describe());
    answered.set_value();
  });
  answered.get_future().wait();
}

void compare(report& out, raw_duckdb& raw, service& asked) {
  for (const auto& definition : asked.queries()) {
    const auto bound = asked.bind(definition.name, {});
    if (!bound) fmt::print("{}\n", bound.error().describe());
    if (!bound) continue;
    const auto sql = with_value(definition.sql);
    sample alone;
    sample through;
    sample added;
    for (int round = 0; round < rounds; ++round) {
      const bool service_first = round % 2 == 0;
      auto begin = stopwatch::now();
      if (service_first) ask(asked, *bound, true);
      const double first_us = since_us(begin);
      begin = stopwatch::now();
      raw.run(sql);
      alone.values.push_back(since_us(begin));
      begin = stopwatch::now();
      if (!service_first) ask(asked, *bound, true);
      through.values.push_back(service_first ? first_us : since_us(begin));
      added.values.push_back(through.values.back() - alone.values.back());
    }
    out.add("duckdb", definition.name, "p50", "us", alone.quantile(0.5));
    out.add("lodestar", definition.name, "p50", "us", through.quantile(0.5));
    out.add("lodestar", definition.name + ", added", "p50", "us", added.quantile(0.5));
  }
}

void measure_hits(report& out, service& asked) {
  constexpr int times = 200'000;
  const parameters values{{"airport", "ATL"}};
  const auto bound = asked.bind("one airport", values);
  ask(asked, *bound, false);
  auto begin = stopwatch::now();
  for (int index = 0; index < times; ++index) static_cast<void>(asked.bind("one airport", values));
  out.add("lodestar", "bind, seen before", "mean", "ns", since_us(begin) * 1000 / times);
  begin = stopwatch::now();
  for (int index = 0; index < times; ++index) static_cast<void>(asked.get_cached(*bound, {}));
  out.add("lodestar", "get_cached", "mean", "ns", since_us(begin) * 1000 / times);
  begin = stopwatch::now();
  for (int index = 0; index < times; ++index)
    asked.get(*bound, {}, [](const result<query_answer>&) {});
  out.add("lodestar", "get, hit", "mean", "ns", since_us(begin) * 1000 / times);
}

log::new_event departure(const char* airport) {
  log::new_event event;
  event.aggregate_type = "Airport";
  event.aggregate_id = airport;
  event.event_type = "FlightDeparted";
  event.payload =
      R"({"destination":"SFO","date":"2001-06-30T12:34:00Z","delay":7,"distance":2139})";
  return event;
}

void apply(testing::memory_log& log, service& asked, std::vector<log::new_event> batch) {
  std::promise<void> applied;
  static_cast<void>(log.append_and_wait(std::move(batch)));
  asked.when_applied(log.last_position(), 60'000,
                     [&](result<std::int64_t>) { applied.set_value(); });
  applied.get_future().wait();
}

void measure_feeding(report& out, testing::memory_log& log, service& asked) {
  sample single;
  for (int round = 0; round < rounds * 5; ++round) {
    std::vector<log::new_event> batch(1, departure("ATL"));
    const auto begin = stopwatch::now();
    apply(log, asked, std::move(batch));
    single.values.push_back(since_us(begin));
  }
  out.add("lodestar", "one event into the tables", "p50", "us", single.quantile(0.5));
  out.add("lodestar", "one event into the tables", "p99", "us", single.quantile(0.99));
  constexpr std::size_t many = 200'000;
  std::vector<log::new_event> batch(many, departure("SFO"));
  const auto begin = stopwatch::now();
  apply(log, asked, std::move(batch));
  out.add("lodestar", "200,000 events into the tables", "mean", "us/event", since_us(begin) / many);
}

void measure_watch(report& out, testing::memory_log& log, service& asked) {
  std::mutex mutex;
  std::condition_variable changed;
  std::int64_t seen = -1;
  std::vector<bound_query> page;
  for (const char* name : {"one airport", "newest events"}) page.push_back(*asked.bind(name, {}));
  const auto watching =
      asked.start_watch(std::move(page), [&](const std::shared_ptr<const watch_state>& state) {
        const std::lock_guard lock(mutex);
        seen = state->position;
        changed.notify_one();
      });
  sample delay;
  for (int round = 0; round < rounds; ++round) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return seen >= log.last_position(); });
    lock.unlock();
    // Past the interval between rounds, so that what is measured is the way of one event.
    std::this_thread::sleep_for(milliseconds(12));
    const auto begin = stopwatch::now();
    static_cast<void>(log.append_and_wait(std::vector<log::new_event>(1, departure("ATL"))));
    lock.lock();
    changed.wait(lock, [&] { return seen >= log.last_position(); });
    delay.values.push_back(since_us(begin));
  }
  out.add("lodestar", "one event to a watch of 2 queries", "p50", "us", delay.quantile(0.5));
  out.add("lodestar", "one event to a watch of 2 queries", "p99", "us", delay.quantile(0.99));
}

int run(const std::string& parquet, const std::string& json) {
  report out;
  testing::memory_log log;
  metrics_registry metrics;
  options settings;
  settings.temp_folder = std::filesystem::temp_directory_path() / "lodestar-cold-query";
  const auto before_mb = resident_mb();
  const auto begin = stopwatch::now();
  auto opened =
      service::open(settings, {flight(parquet)}, {}, queries(), log, system_clock(), metrics);
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().describe());
    return 1;
  }
  out.add("lodestar", "start with 3 million rows", "once", "ms", since_us(begin) / 1000);
  std::this_thread::sleep_for(
      std::chrono::seconds(1));  // The allocator gives memory back in the background.
  out.add("lodestar", "memory of 3 million rows", "once", "MB",
          static_cast<double>(resident_mb() - before_mb));
  raw_duckdb raw(parquet);
  compare(out, raw, **opened);
  measure_hits(out, **opened);
  measure_feeding(out, log, **opened);
  measure_watch(out, log, **opened);
  if (!json.empty()) out.write(json);
  return 0;
}

}  // namespace
}  // namespace lodestar::analytics

int main(int count, char** arguments) {
  std::string parquet;
  std::string json;
  for (int index = 1; index < count; ++index) {
    const std::string argument = arguments[index];
    if (argument == "--json" && index + 1 < count) {
      json = arguments[++index];
    } else {
      parquet = argument;
    }
  }
  const std::string usual = "third_party/vega-datasets/flights-3m.parquet";
  if (parquet.empty() && std::filesystem::exists(usual)) parquet = usual;
  if (!parquet.empty()) parquet = std::filesystem::absolute(parquet).string();
  return lodestar::analytics::run(parquet, json);
}
