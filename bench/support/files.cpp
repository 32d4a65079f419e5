#include "support/files.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace lodestar::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t history_rows = 5'000;
constexpr std::int64_t step_s = 3;
constexpr std::time_t history_begins = 1'767'225'600;  // 2026-01-01T00:00:00Z

constexpr const char* project_text = R"([project]
name = "sensors"
title = "Sensors"
)";

constexpr const char* event_text = R"(event_type = "Measured"
aggregate_type = "Sensor"
table = "reading"
key_column = "sensor"
history_sql = """
SELECT 's' || (i * 7919 % 20) AS sensor, TIMESTAMP '2026-01-01' + to_seconds(i * 3) AS measured_at,
       (i * 104729 % 1000) / 10.0 AS value
FROM range(5000) AS numbers(i)
"""

[[field]]
name = "measured_at"
type = "timestamp"

[[field]]
name = "value"
type = "number"
)";

constexpr const char* summary_text = R"(-- depends_on: events/Sensor/**
WITH latest AS MATERIALIZED (SELECT max(measured_at) AS now FROM reading)
SELECT count(*) AS readings, avg(value) AS mean, max(value) AS highest
FROM reading
WHERE measured_at > (SELECT now - INTERVAL 1 HOUR FROM latest)
)";

constexpr const char* by_minute_text = R"(-- depends_on: events/Sensor/**
WITH latest AS MATERIALIZED (SELECT max(measured_at) AS now FROM reading)
SELECT time_bucket(INTERVAL 5 MINUTES, measured_at) AS time, avg(value) AS mean
FROM reading
WHERE measured_at > (SELECT now - INTERVAL 3 HOURS FROM latest)
GROUP BY time
ORDER BY time
)";

constexpr const char* by_sensor_text = R"(-- depends_on: events/Sensor/**
WITH latest AS MATERIALIZED (SELECT max(measured_at) AS now FROM reading)
SELECT sensor, count(*) AS readings, avg(value) AS mean
FROM reading
WHERE measured_at > (SELECT now - INTERVAL 2 HOURS FROM latest)
GROUP BY sensor
ORDER BY sensor
)";

constexpr const char* latest_text = R"(-- depends_on: events/Sensor/**
SELECT measured_at, sensor, value
FROM reading
ORDER BY measured_at DESC, position DESC
LIMIT 10
)";

constexpr const char* readings_text = R"(-- depends_on: events/Sensor/**
SELECT measured_at, sensor, value
FROM reading
ORDER BY measured_at
LIMIT 113
)";

constexpr const char* dashboard_text = R"(title = "Sensors"

[[tile]]
id = "summary"
query = "summary"
chart = "kpi"
value = "mean"

[[tile]]
id = "by-minute"
query = "by_minute"
chart = "area"
x = "time"
y = "mean"

[[tile]]
id = "by-sensor"
query = "by_sensor"
chart = "bar"
x = "sensor"
y = "mean"

[[tile]]
id = "latest"
query = "latest"
)";

}  // namespace

fs::path source_folder() {
  return LODESTAR_SOURCE_FOLDER;
}

temp_folder::temp_folder() {
  const char* chosen = std::getenv("TMPDIR");
  std::string name =
      (fs::path(chosen == nullptr ? "/var/tmp" : chosen) / "lodestar-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make the folder " + name);
  path_ = name;
}

temp_folder::~temp_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_texts(const fs::path& folder,
                 const std::vector<std::pair<std::string, std::string>>& files) {
  for (const auto& [name, text] : files) {
    fs::create_directories((folder / name).parent_path());
    std::ofstream stream(folder / name, std::ios::binary);
    stream << text;
    if (!stream.flush()) throw std::runtime_error("cannot write " + (folder / name).string());
  }
}

void write_small_project(const fs::path& folder) {
  write_texts(folder, {{"lodestar.toml", project_text},
                       {"events/measured.toml", event_text},
                       {"queries/summary.sql", summary_text},
                       {"queries/by_minute.sql", by_minute_text},
                       {"queries/by_sensor.sql", by_sensor_text},
                       {"queries/latest.sql", latest_text},
                       {"queries/readings.sql", readings_text},
                       {"dashboards/sensors.toml", dashboard_text}});
}

std::string small_event(std::int64_t number) {
  const auto at = fmt::gmtime(history_begins + (history_rows + number) * step_s);
  return fmt::format(
      R"({{"event_type":"Measured","aggregate_id":"s{}","payload":{{"measured_at":"{:%Y-%m-%dT%H:%M:%SZ}","value":{}.{}}}}})",
      number % 20, at, number * 31 % 100, number % 10);
}

fs::path flights_file() {
  const fs::path file = source_folder() / "third_party/vega-datasets/flights-3m.parquet";
  if (!fs::exists(file))
    throw std::runtime_error(file.string() + " is missing: run scripts/bootstrap first");
  return file;
}

std::string select_flight_events(std::string_view relation) {
  return fmt::format(
      "SELECT 'flight-' || row_number() OVER () AS event_id, 'FlightDeparted' AS event_type, "
      "'Airport' AS aggregate_type,"
      " origin AS aggregate_id, {{'date': strftime(date, '%Y-%m-%dT%H:%M:%SZ'), 'delay': delay, "
      "'distance': distance,"
      " 'destination': destination}} AS payload FROM {}",
      relation);
}

}  // namespace lodestar::bench
