// Promise: right numbers. Whatever a query of the flights demo answers at a position equals the
// same SQL, run by DuckDB without Lodestar over a plain table of the history and the events up to
// there.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "support/files.hpp"
#include "support/http.hpp"
#include "support/process.hpp"
#include "support/raw_duckdb.hpp"

namespace lodestar::bench {
namespace {

namespace fs = std::filesystem;

constexpr int moments = 100;

struct answer {
  std::string query, airport;
  std::int64_t position = 0;
  std::string csv;
};

fs::path flights_project() {
  return source_folder() / "examples/flights";
}

/// DuckDB with one plain table `flight`, whose rows are those up to a position that only grows.
class plain_tables {
 public:
  explicit plain_tables(const fs::path& events_file) : duckdb_(flights_project()) {
    for (const auto& statement : read_project(flights_project(), "flights").load)
      duckdb_.run(statement);
    duckdb_.run("ALTER TABLE flight_log RENAME TO flight");
    duckdb_.run(fmt::format(
        "CREATE TABLE event AS FROM read_json('{}', format = 'newline_delimited', columns = "
        "{{position: 'BIGINT', recorded_at_us: 'BIGINT', aggregate_id: 'VARCHAR', payload: "
        "'STRUCT(date TIMESTAMP, delay BIGINT, distance BIGINT, destination VARCHAR)'}})",
        events_file.string()));
  }

  void advance(std::int64_t position) {
    duckdb_.run(fmt::format(
        "INSERT INTO flight SELECT position, make_timestamp(recorded_at_us), aggregate_id, "
        "payload.date, payload.delay, payload.distance, payload.destination FROM event WHERE "
        "position > {} AND position <= {} ORDER BY position",
        position_, position));
    position_ = position;
  }

  [[nodiscard]] std::int64_t events() { return duckdb_.number("SELECT count(*) FROM event"); }

  /// How many rows, with their place in the order, are on one side only.
  [[nodiscard]] std::int64_t differences(const answer& given) {
    std::string sql = read_text(flights_project() / "queries" / (given.query + ".sql"));
    const std::string parameter = "$airport";
    for (auto at = sql.find(parameter); at != std::string::npos; at = sql.find(parameter, at))
      sql.replace(at, parameter.size(), fmt::format("'{}'", given.airport));
    const fs::path file = folder_.path() / "answer.csv";
    std::ofstream(file) << given.csv;
    duckdb_.run(fmt::format(
        "CREATE OR REPLACE TABLE expected AS SELECT row_number() OVER () AS n, * FROM (\n{}\n)",
        sql));
    duckdb_.run("CREATE OR REPLACE TABLE given AS FROM expected LIMIT 0");
    duckdb_.run(
        fmt::format("INSERT INTO given SELECT row_number() OVER (), * FROM read_csv('{}', header = "
                    "true, all_varchar = true)",
                    file.string()));
    return duckdb_.number(
        "SELECT count(*) FROM ((FROM expected EXCEPT ALL FROM given) UNION ALL "
        "(FROM given EXCEPT ALL FROM expected))");
  }

 private:
  temp_folder folder_;
  raw_duckdb duckdb_;
  std::int64_t position_ = 0;
};

class flights_numbers : public testing::Test {
 protected:
  /// Asks every query of both dashboards, each as of whatever position the replay has reached.
  void ask(const std::string& airport) {
    for (const auto& query : national_) ask(query, "");
    for (const auto& query : local_) ask(query, airport);
  }

  void ask(const std::string& query, const std::string& airport) {
    auto got = http_.get(fmt::format("/api/queries/{}?format=csv{}", query,
                                     airport.empty() ? "" : fmt::format("&airport={}", airport)));
    expect_success(got);
    answers_.push_back(
        {query, airport, std::stoll(got.header("Lodestar-Position")), std::move(got.body)});
  }

  void wait_until_applied(std::int64_t position) {
    expect_success(http_.get(fmt::format("/api/queries/pulse?min_position={}", position)));
  }

  /// The events up to the last answer.
  fs::path write_events() {
    std::ranges::sort(answers_, {}, &answer::position);
    fs::path file = folder_.path() / "events.ndjson";
    std::ofstream lines(file);
    for (std::int64_t after = 0; after < answers_.back().position;) {
      const auto page = http_.get(fmt::format("/api/events?limit=10000&after={}", after));
      expect_success(page);
      lines << page.body;
      after = std::stoll(page.header("Lodestar-Position"));
    }
    return file;
  }

  temp_folder folder_;
  lodestar_server server_{flights_project(), folder_.path() / "data", {"--speed", "20000"}, "demo"};
  http_connection http_{server_.port()};
  const std::vector<std::string> national_ = read_project(flights_project(), "flights").query_names;
  const std::vector<std::string> local_ = read_project(flights_project(), "airport").query_names;
  std::vector<answer> answers_;
};

TEST_F(flights_numbers, equal_plain_duckdb_at_random_moments_of_a_replay) {
  std::mt19937_64 random(std::random_device{}());
  const std::vector<std::string> airports = {"ATL", "ORD", "DFW", "LAX", "PHX", "DEN", "SFO"};
  std::int64_t reached = 0;
  for (int moment = 0; moment < moments; ++moment) {
    wait_until_applied(reached += static_cast<std::int64_t>(random() % 1'500));
    ask(airports[random() % airports.size()]);
  }
  plain_tables plain(write_events());
  ASSERT_GE(plain.events(), answers_.back().position);
  for (const auto& each : answers_) {
    plain.advance(each.position);
    ASSERT_EQ(plain.differences(each), 0)
        << each.query << " " << each.airport << " at " << each.position << "\n"
        << each.csv;
  }
  fmt::print("{} answers of {} queries equal plain DuckDB, up to position {}\n", answers_.size(),
             national_.size() + local_.size(), answers_.back().position);
  EXPECT_GE(answers_.size(), std::size_t{moments} * 10);
}

// The canary: an answer that misses its last event, or whose rows are in another order, is found.
TEST_F(flights_numbers, a_missing_event_and_a_wrong_order_are_found) {
  wait_until_applied(100);
  ask("latest_departures", "");
  plain_tables plain(write_events());
  answer& right = answers_.front();
  plain.advance(right.position - 1);
  EXPECT_GT(plain.differences(right), 0);
  plain.advance(right.position);
  EXPECT_EQ(plain.differences(right), 0);
  const auto first = right.csv.find('\n') + 1, second = right.csv.find('\n', first) + 1;
  const auto third = right.csv.find('\n', second) + 1;
  answer swapped = right;
  swapped.csv = right.csv.substr(0, first) + right.csv.substr(second, third - second) +
                right.csv.substr(first, second - first) + right.csv.substr(third);
  EXPECT_GT(plain.differences(swapped), 0);
}

}  // namespace
}  // namespace lodestar::bench
