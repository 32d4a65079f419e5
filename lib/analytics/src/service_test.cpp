// Goal: an answer is exactly what the SQL gives as of its position, is computed no more often than
// needed, and whatever is wrong (queries, parameters, events, a slow or greedy query, a stop) is an
// error of the one who asked.
#include <atomic>
#include <latch>
#include <thread>

#include <fmt/format.h>

#include "bound_query.hpp"
#include "testing/service_fixture.hpp"

namespace lodestar::analytics {
namespace {

using testing::airport_query;
using testing::awaited;
using testing::flight_definition;
using testing::heavy_query;
using testing::make_query;
using testing::total_query;

class analytics_service : public testing::service_fixture {
 protected:
  void expect_error(std::string sql, error_code code, std::string_view place,
                    std::string_view message) {
    open_service({make_query("q", std::move(sql))});
    const auto bound = service_->bind("q", {});
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().code, code) << bound.error().describe();
    EXPECT_EQ(bound.error().place, place) << bound.error().describe();
    EXPECT_NE(bound.error().message.find(message), std::string::npos) << bound.error().describe();
    EXPECT_EQ(service_->query_errors().size(), 1U);
  }
};

TEST_F(analytics_service, answers_exactly_as_of_each_position) {
  open_service({total_query(), airport_query()});
  std::vector<std::int64_t> atl_flights{0};
  for (int index = 1; index <= 40; ++index) {
    append(flight(index % 3 == 0 ? "ATL" : "SFO", index));
    atl_flights.push_back(atl_flights.back() + (index % 3 == 0 ? 1 : 0));
  }
  wait_applied(40);
  for (std::int64_t position = 0; position <= 40; ++position) {
    const auto total = get_as_of(bind("total"), position);
    ASSERT_TRUE(total);
    ASSERT_EQ(total->computed_at, position);
    ASSERT_EQ(integer(*total->value), position);
    ASSERT_EQ(total->value->at(0, 1), position == 0 ? cell() : cell(position * (position + 1) / 2));
    const auto airport = get_as_of(bind("airport", {{"airport", "ATL"}}), position);
    ASSERT_EQ(integer(*airport->value), atl_flights[static_cast<std::size_t>(position)]);
  }
  const auto future = get_as_of(bind("total"), 41);
  EXPECT_EQ(future.error().code, error_code::invalid_argument);
}

TEST_F(analytics_service, sees_new_events_through_a_query_without_parameters) {
  // DuckDB folds getvariable() into a prepared statement without parameters: such a query would
  // stand still.
  open_service({total_query()});
  for (int index = 1; index <= 5; ++index) {
    append_and_apply(flight("ATL", 1));
    const auto answer = get(bind("total"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(integer(*answer->value), index);
    EXPECT_EQ(answer->computed_at, index);
    EXPECT_EQ(answer->value->digest(), get_as_of(bind("total"), index)->value->digest());
  }
}

TEST_F(analytics_service, serves_from_the_cache_until_something_moves) {
  open_service({total_query()});
  append_and_apply(flight("ATL", 1));
  const auto query = bind("total");
  EXPECT_FALSE(service_->get_cached(query, {}));
  EXPECT_FALSE(get(query)->hit);
  const auto again = get(query);
  EXPECT_TRUE(again->hit);
  EXPECT_TRUE(service_->get_cached(query, {}));
  EXPECT_EQ(executions("total"), 1U);
  append_and_apply(flight("ATL", 1));
  EXPECT_FALSE(service_->get_cached(query, {}));
  EXPECT_EQ(integer(*get(query)->value), 2);
  EXPECT_EQ(executions("total"), 2U);
}

TEST_F(analytics_service, an_event_runs_no_query_that_it_does_not_touch) {
  open_service({airport_query()});
  const auto atl = bind("airport", {{"airport", "ATL"}});
  const auto sfo = bind("airport", {{"airport", "SFO"}});
  const auto odd = bind("airport", {{"airport", "A/*"}});
  for (const auto& query : {atl, sfo, odd}) ASSERT_TRUE(get(query));
  append_and_apply(flight("ATL", 1));
  EXPECT_FALSE(get(atl)->hit);
  EXPECT_TRUE(get(sfo)->hit);
  EXPECT_TRUE(get(odd)->hit);
  EXPECT_EQ(executions("airport"), 4U);
  append_and_apply(flight("A/*", 7));
  EXPECT_TRUE(get(atl)->hit);
  EXPECT_EQ(integer(*get(odd)->value, 1), 7);
  EXPECT_EQ(executions("airport"), 5U);
}

TEST_F(analytics_service, a_thousand_who_ask_at_once_cost_one_execution) {
  open_service({make_query(
      "slow", "SELECT count(*) FROM range(3000000) a(x), range(10) b(y) WHERE (x * y) % 7 = 3")});
  const auto query = bind("slow");
  constexpr int askers = 1000;
  std::latch answered(askers);
  std::atomic<int> good{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int index = 0; index < askers / 4; ++index) {
        service_->get(query, {}, [&](result<query_answer> answer) {
          if (answer) good.fetch_add(1);
          answered.count_down();
        });
      }
    });
  }
  answered.wait();
  EXPECT_EQ(good.load(), askers);
  EXPECT_EQ(executions("slow"), 1U);
}

TEST_F(analytics_service, waits_for_the_position_that_is_demanded) {
  open_service({total_query()});
  awaited<query_answer> answer;
  service_->get(bind("total"), {.position_min = 2}, answer.handler());
  EXPECT_FALSE(service_->get_cached(bind("total"), {.position_min = 2}));
  append(flight("ATL", 1));
  append(flight("ATL", 1));
  const auto got = answer.get();
  ASSERT_TRUE(got) << got.error().describe();
  EXPECT_GE(integer(*got->value), 2);
}

TEST_F(analytics_service, tells_when_a_position_is_not_reached_in_time) {
  open_service({total_query()});
  awaited<std::int64_t> reached;
  service_->when_applied(1, 1, reached.handler());
  EXPECT_EQ(reached.get().error().code, error_code::deadline_exceeded);
  awaited<std::int64_t> at_once;
  service_->when_applied(0, 0, at_once.handler());
  EXPECT_EQ(at_once.get(), 0);
}

TEST_F(analytics_service, loads_history_and_static_tables_and_then_closes_the_door) {
  std::ofstream(folder_ / "old.csv") << "origin,destination,delay,departed_at,fare\nATL,SFO,5,2001-"
                                        "01-01 00:00:00,1.5\nSFO,ATL,7,,\n";
  std::ofstream(folder_ / "airports.csv") << "code,city\nATL,Atlanta\nSFO,San Francisco\n";
  auto definition = flight_definition();
  definition.history_sql = "SELECT * FROM 'old.csv'; -- with a comment";
  open_service({make_query("q",
                           "SELECT city, count(*) AS n, sum(delay) AS delay, min(position) AS "
                           "first, min(departed_at) AS at "
                           "FROM flight JOIN airport ON code = origin GROUP BY city ORDER BY city"),
                make_query("file", "SELECT * FROM 'airports.csv'")},
               {definition}, {{"airport", "FROM 'airports.csv'", "tables.toml"}});
  append_and_apply(flight("ATL", 10));
  EXPECT_NE(
      json(get(bind("q")))
          .find(R"([["Atlanta",2,15,0,"2001-01-01T00:00:00Z"],["San Francisco",1,7,0,null]])"),
      std::string::npos)
      << json(get(bind("q")));
  EXPECT_EQ(service_->bind("file", {}).error().place, "queries/file.sql:1");
}

TEST_F(analytics_service, is_the_same_after_a_restart) {
  open_service({total_query()});
  for (int index = 0; index < 10; ++index) append(flight("ATL", index));
  wait_applied(10);
  const auto before = get(bind("total"))->value->digest();
  open_service({total_query()});
  EXPECT_EQ(service_->applied(), 10);
  EXPECT_EQ(get(bind("total"))->value->digest(), before);
}

TEST_F(analytics_service, follows_a_large_import) {
  open_service({total_query()});
  constexpr int events = 15'000;
  std::vector<log::new_event> batch;
  for (int index = 0; index < events; ++index) batch.push_back(flight("ATL", 1));
  wait_applied(append(std::move(batch)));
  EXPECT_EQ(integer(*get(bind("total"))->value, 1), events);
}

TEST_F(analytics_service, leaves_out_events_that_do_not_fit_and_counts_them) {
  open_service({total_query()});
  auto bad = flight("ATL", 1);
  bad.payload = R"({"destination":"SFO","delay":"late"})";
  auto unknown = flight("ATL", 1);
  unknown.event_type = "Unheard";
  append(std::move(bad));
  append(std::move(unknown));
  append_and_apply(flight("ATL", 3));
  EXPECT_EQ(integer(*get(bind("total"))->value), 1);
  EXPECT_EQ(service_->feeder_error(), std::nullopt);
  EXPECT_NE(analytics_metrics_->expose().find(
                "lodestar_analytics_events_skipped_total{event_type=\"FlightDeparted\"} 1"),
            std::string::npos);
}

TEST_F(analytics_service, takes_parameters_as_data) {
  auto text =
      make_query("text", "SELECT $value AS value, count(*) AS n FROM flight WHERE origin = $value");
  text.parameters = {{"value", value_type::text, std::nullopt}};
  open_service({text, total_query()});
  append_and_apply(flight("ATL", 1));
  for (const std::string value : {"ATL' OR '1'='1", "'; DROP TABLE flight_log; --",
                                  "$lodestar_as_of", "\"", "{}", "東京", ""}) {
    const auto answer = get(bind("text", {{"value", value}}));
    ASSERT_TRUE(answer) << answer.error().describe();
    EXPECT_EQ(answer->value->at(0, 0), cell(std::string_view(value)));
    EXPECT_EQ(integer(*answer->value, 1), 0);
  }
  const std::string with_nul("a\0b", 3);
  EXPECT_EQ(get(bind("text", {{"value", with_nul}}))->value->at(0, 0),
            cell(std::string_view(with_nul)));
  EXPECT_EQ(integer(*get(bind("total"))->value), 1);
}

TEST_F(analytics_service, takes_parameters_of_every_type) {
  auto query = make_query(
      "q", "SELECT $b AS b, $i + 1 AS i, $n * 2 AS n, $t || '!' AS t, $at AS at, $d AS d");
  query.parameters = {{"b", value_type::boolean, "true"},
                      {"i", value_type::integer, "41"},
                      {"n", value_type::number, "1.25"},
                      {"t", value_type::text, "x"},
                      {"at", value_type::timestamp, "2001-06-30T12:34:00Z"},
                      {"d", value_type::date, "2001-06-30"}};
  open_service({query});
  const auto answer = get(bind("q"));
  EXPECT_NE(json(answer).find(R"("rows":[[true,42,2.5,"x!","2001-06-30T12:34:00Z","2001-06-30"]])"),
            std::string::npos)
      << json(answer);
}

TEST_F(analytics_service, gives_equal_requests_one_identity) {
  auto query = make_query("q", "SELECT $i AS i, $n AS n, $at AS at");
  query.parameters = {{"i", value_type::integer, "7"},
                      {"n", value_type::number, std::nullopt},
                      {"at", value_type::timestamp, std::nullopt}};
  open_service({query, make_query("other", "SELECT 1")});
  const auto first = bind("q", {{"n", "1.50"}, {"at", "2001-06-30T14:34:00+02:00"}});
  const auto second = bind("q", {{"i", "007"}, {"n", "15e-1"}, {"at", "2001-06-30T12:34:00Z"}});
  EXPECT_EQ(first.identity(), second.identity());
  EXPECT_NE(first.identity(),
            bind("q", {{"i", "8"}, {"n", "1.5"}, {"at", "2001-06-30T12:34:00Z"}}).identity());
  ASSERT_TRUE(get(first));
  EXPECT_TRUE(get(second)->hit);
}

TEST_F(analytics_service, does_not_copy_the_sql_into_each_binding) {
  auto query = airport_query();
  query.sql += fmt::format(" -- {}", std::string(10'000, 'x'));
  auto same = query;
  same.name = "same";
  auto other = query;
  other.name = "other";
  other.sql += "y";
  open_service({query, same, other});
  const parameters atl{{"airport", "ATL"}};
  const auto bound = bind("airport", atl);
  EXPECT_LT(bound.internals().canonical.size(), 1000U);
  EXPECT_EQ(bound.identity(), bind("same", atl).identity());
  EXPECT_NE(bound.identity(), bind("other", atl).identity());
  ASSERT_TRUE(get(bound));
  EXPECT_TRUE(get(bind("same", atl))->hit);
  EXPECT_FALSE(get(bind("other", atl))->hit);
}

TEST_F(analytics_service, explains_requests_that_are_wrong) {
  auto query = airport_query();
  query.parameters.push_back({"days", value_type::integer, "1"});
  open_service({query, total_query()});
  const auto unknown = service_->bind("airprot", {});
  EXPECT_EQ(unknown.error().code, error_code::not_found);
  EXPECT_EQ(unknown.error().hint, "did you mean 'airport'?");
  EXPECT_EQ(service_->bind("zzzzzzzzzzz", {}).error().hint, "");
  const auto missing = service_->bind("airport", {});
  EXPECT_EQ(missing.error().code, error_code::invalid_argument);
  EXPECT_EQ(missing.error().place, "parameter airport");
  const auto extra = service_->bind("airport", {{"airport", "ATL"}, {"x", "1"}});
  EXPECT_EQ(extra.error().place, "parameter x");
  EXPECT_EQ(extra.error().hint, "its parameters are: airport, days");
  const auto wrong = service_->bind("airport", {{"airport", "ATL"}, {"days", "many"}});
  EXPECT_EQ(wrong.error().message, "'many' is not an integer, for example 42");
  EXPECT_EQ(wrong.error().place, "parameter days");
  EXPECT_FALSE(service_->bind("airport", {{"airport", "\xff"}}));
}

TEST_F(analytics_service, names_file_and_line_of_sql_that_is_wrong) {
  auto query = make_query("q", "SELECT count(*),\n  delya\nFROM flight");
  query.sql_line = 5;
  open_service({query});
  const auto bound = service_->bind("q", {});
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().place, "queries/q.sql:6");
  EXPECT_NE(bound.error().message.find("delya"), std::string::npos);
  EXPECT_NE(bound.error().hint.find("delay"), std::string::npos) << bound.error().hint;
}

TEST_F(analytics_service, explains_queries_that_are_no_query) {
  expect_error("SELECT 1\nFRO flight", error_code::invalid_argument, "queries/q.sql:2",
               "syntax error");
  expect_error("", error_code::invalid_argument, "queries/q.sql:1", "no");
  expect_error("SELECT 1; SELECT 2", error_code::invalid_argument, "queries/q.sql:1",
               "2 statements");
  expect_error("SELECT $nope", error_code::invalid_argument, "queries/q.sql:1", "$nope");
  expect_error("SELECT ?", error_code::invalid_argument, "queries/q.sql:1", "not declared");
  expect_error("SELECT *\nFROM flight_log", error_code::invalid_argument, "queries/q.sql:2",
               "not bounded");
  expect_error("SELECT * FROM main.\"flight\"", error_code::invalid_argument, "queries/q.sql:1",
               "not bounded");
}

TEST_F(analytics_service, refuses_tables_named_by_a_text_that_would_show_the_future) {
  // Each of them reads all rows when DuckDB gets it behind the bounded tables.
  for (const char* sql :
       {"FROM 'flight_log'", "FROM 'FLIGHT_LOG' x", "FROM e'flight_log'", "FROM $$flight_log$$",
        "SELECT (SELECT max(position) FROM 'flight_log')", "FROM query_table('flight_log')",
        "FROM query_table('flight' || '_log')", "FROM query_table(['flight_log'])",
        "FROM query_table('main.flight_log')", "FROM \"query_table\" ('flight')",
        "FROM query('FROM fli' || 'ght_log')",
        "FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM flight_log'))"})
    expect_error(sql, error_code::invalid_argument, "queries/q.sql:1", "not bounded");
}

TEST_F(analytics_service, bounds_an_event_table_that_is_named_by_a_literal) {
  append(flight("ATL", 1));
  append(flight("ATL", 1));
  open_service({make_query("literal", "SELECT count(*) AS n FROM 'flight'"),
                make_query("data", "SELECT 'flight' AS kind")});
  EXPECT_EQ(integer(*get_as_of(bind("literal"), 1)->value), 1);
  EXPECT_EQ(integer(*get(bind("literal"))->value), 2);
  EXPECT_TRUE(get(bind("data")));
}

TEST_F(analytics_service, runs_nothing_but_queries) {
  for (const char* sql : {"SELECT * FROM read_csv('/etc/passwd')",
                          "SELECT * FROM read_text('/etc/passwd')",
                          "SELECT * FROM '/etc/passwd'",
                          "SELECT * FROM glob('/etc/*')",
                          "COPY (SELECT 1) TO '/tmp/x'",
                          "ATTACH '/tmp/x.db'",
                          "INSTALL httpfs",
                          "LOAD httpfs",
                          "SET threads = 1",
                          "SET enable_external_access = true",
                          "RESET ALL",
                          "PRAGMA database_list",
                          "PRAGMA enable_profiling",
                          "CALL pragma_version()",
                          "DROP TABLE flight_log",
                          "DELETE FROM flight_log",
                          "INSERT INTO flight_log DEFAULT VALUES",
                          "CREATE TABLE x AS SELECT 1",
                          "DESCRIBE flight",
                          "SHOW TABLES",
                          "SUMMARIZE flight",
                          "EXPLAIN ANALYZE SELECT 1",
                          "CHECKPOINT",
                          "BEGIN",
                          "USE memory",
                          "DETACH memory",
                          "EXPORT DATABASE '/tmp/x'",
                          "VACUUM",
                          "SET VARIABLE x = 1",
                          "WITH x AS (SELECT 1) DELETE FROM flight_log",
                          "EXECUTE q",
                          "PREPARE q AS SELECT 1"}) {
    open_service({make_query("q", sql)});
    EXPECT_FALSE(service_->bind("q", {})) << sql;
  }
}

TEST_F(analytics_service, takes_every_shape_of_select) {
  append(flight("ATL", 4));
  open_service(
      {make_query("with",
                  "-- comment\nWITH x AS (SELECT delay FROM flight) SELECT sum(delay) FROM x;"),
       make_query("recursive",
                  "WITH RECURSIVE t(n) AS (SELECT delay FROM flight UNION ALL SELECT n + 1 FROM t "
                  "WHERE n < 6) SELECT sum(n) FROM t"),
       make_query("from", "FROM \"FLIGHT\" SELECT delay"),
       make_query("union", "(SELECT delay FROM Flight) UNION ALL (SELECT 1 WHERE false)"),
       make_query("values", "VALUES (4)"),
       make_query(
           "nested",
           "SELECT (SELECT max(delay) FROM flight f WHERE f.origin = flight.origin) FROM flight")});
  for (const auto& query : service_->queries()) {
    const auto bound = service_->bind(query.name, {});
    ASSERT_TRUE(bound) << query.name << ": " << bound.error().describe();
    const auto answer = get(*bound);
    ASSERT_TRUE(answer) << query.name << ": " << answer.error().describe();
    EXPECT_EQ(integer(*answer->value), query.name == "recursive" ? 15 : 4) << query.name;
  }
}

TEST_F(analytics_service, turns_other_types_into_text) {
  auto nested = make_query("nested",
                           "WITH x AS (SELECT 1 AS one) SELECT [1, 2] AS list, {'a': one} AS "
                           "struct, TIME '12:00:00' AS t, INTERVAL 1 DAY AS i, "
                           "CAST('00000000-0000-0000-0000-000000000001' AS UUID) AS u, 'x'::BLOB "
                           "AS b, $p + 1 AS n FROM x, flight ORDER BY n DESC");
  nested.parameters = {{"p", value_type::integer, "1"}};
  open_service({nested});
  append_and_apply(flight("ATL", 1));
  for (int round = 0; round < 2; ++round) {
    const auto answer = get(bind("nested"), {.bypass = true});
    EXPECT_NE(
        json(answer).find(
            R"("rows":[["[1, 2]","{'a': 1}","12:00:00","1 day","00000000-0000-0000-0000-000000000001","x",2]])"),
        std::string::npos)
        << json(answer);
  }
}

TEST_F(analytics_service, gives_errors_of_a_running_query_to_who_asked) {
  open_service({make_query("bad", "SELECT CAST(origin AS INTEGER) FROM flight"), total_query()});
  append_and_apply(flight("ATL", 1));
  const auto answer = get(bind("bad"));
  EXPECT_EQ(answer.error().code, error_code::invalid_argument);
  EXPECT_EQ(answer.error().place, "queries/bad.sql");
  EXPECT_TRUE(get(bind("total")));
}

TEST_F(analytics_service, ends_a_query_at_its_deadline_and_goes_on) {
  settings_.connections = 1;
  open_service({heavy_query(200), total_query()});
  const auto answer = get(bind("heavy"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, error_code::deadline_exceeded) << answer.error().describe();
  EXPECT_TRUE(get(bind("total")));
}

TEST_F(analytics_service, counts_the_waiting_for_a_connection_into_the_deadline) {
  settings_.connections = 1;
  auto late = total_query();
  late.deadline_ms = 50;
  open_service({heavy_query(1000), late});
  awaited<query_answer> heavy;
  service_->get(bind("heavy"), {}, heavy.handler());
  ASSERT_TRUE(wait_executions("heavy", 1));
  EXPECT_EQ(get(bind("total")).error().code, error_code::deadline_exceeded);
  EXPECT_FALSE(heavy.ready());
  EXPECT_EQ(heavy.get().error().code, error_code::deadline_exceeded);
  EXPECT_EQ(executions("total"), 0U);
}

TEST_F(analytics_service, refuses_more_than_may_wait) {
  settings_.connections = 1;
  settings_.waiting_queries_max = 1;
  open_service({heavy_query(60'000), total_query(), airport_query()});
  awaited<query_answer> running;
  awaited<query_answer> waiting;
  service_->get(bind("heavy"), {}, running.handler());
  ASSERT_TRUE(wait_executions("heavy", 1));
  service_->get(bind("total"), {}, waiting.handler());
  EXPECT_EQ(get(bind("airport", {{"airport", "ATL"}})).error().code, error_code::unavailable);
  service_->stop();
  EXPECT_EQ(running.get().error().code, error_code::cancelled);
  EXPECT_EQ(waiting.get().error().code, error_code::cancelled);
}

TEST_F(analytics_service, answers_everybody_when_it_stops) {
  settings_.connections = 1;
  open_service({heavy_query(60'000), total_query()});
  const auto total = bind("total");
  awaited<query_answer> running;
  awaited<query_answer> waiting;
  awaited<query_answer> for_position;
  awaited<std::int64_t> applied;
  service_->get(bind("heavy"), {}, running.handler());
  ASSERT_TRUE(wait_executions("heavy", 1));
  service_->get(total, {}, waiting.handler());
  service_->get(total, {.position_min = 5}, for_position.handler());
  service_->when_applied(5, 60'000, applied.handler());
  service_->stop();
  EXPECT_EQ(running.get().error().code, error_code::cancelled);
  EXPECT_EQ(waiting.get().error().code, error_code::cancelled);
  EXPECT_EQ(for_position.get().error().code, error_code::cancelled);
  EXPECT_EQ(applied.get().error().code, error_code::cancelled);
  EXPECT_EQ(get(total).error().code, error_code::unavailable);
  service_->stop();
}

TEST_F(analytics_service, refuses_more_than_may_wait_for_a_position) {
  settings_.waiting_queries_max = 1;
  open_service({total_query()});
  awaited<query_answer> waiting;
  awaited<std::int64_t> refused;
  service_->get(bind("total"), {.position_min = 1}, waiting.handler());
  service_->when_applied(1, 60'000, refused.handler());
  ASSERT_TRUE(refused.ready());
  EXPECT_EQ(refused.get().error().code, error_code::unavailable);
  append(flight("ATL", 1));
  EXPECT_TRUE(waiting.get());
}

class analytics_service_time : public analytics_service {
 protected:
  clock& time() override { return manual_; }
  manual_clock manual_;
};

TEST_F(analytics_service_time, has_one_deadline_for_all_that_a_request_waits_for) {
  settings_.connections = 1;
  auto late = total_query();
  late.deadline_ms = 1'000;
  open_service({heavy_query(60'000), late});
  awaited<query_answer> running;
  service_->get(bind("heavy"), {}, running.handler());
  ASSERT_TRUE(wait_executions("heavy", 1));
  awaited<query_answer> waiting;
  service_->get(bind("total"), {.position_min = 1}, waiting.handler());
  manual_.advance(milliseconds(900));
  append_and_apply(flight("ATL", 1));
  manual_.advance(milliseconds(100));
  ASSERT_TRUE(testing::yield_until([&] { return waiting.ready(); }));
  EXPECT_EQ(waiting.get().error().code, error_code::deadline_exceeded);
  EXPECT_FALSE(running.ready());
}

TEST_F(analytics_service, shows_what_it_does_as_metrics) {
  open_service({total_query(), make_query("odd \"name\"", "SELECT 1 AS n")});
  const auto total = bind("total");
  for (int times = 0; times < 3; ++times) {
    // As the API asks: the cache first.
    if (!service_->get_cached(total, {})) {
      ASSERT_TRUE(get(total));
    }
  }
  service_->update_metrics();
  service_->update_metrics();
  const auto text = analytics_metrics_->expose();
  for (const char* line :
       {R"(lodestar_analytics_query_executions_total{query="total"} 1)",
        R"(lodestar_analytics_query_executions_total{query="odd \"name\""} 0)",
        "lodestar_analytics_cache_misses_total 1\n", "lodestar_analytics_cache_hits_total 2\n",
        "lodestar_analytics_cache_stale_hits_total 0\n",
        "lodestar_analytics_cache_evictions_total 0\n", "lodestar_analytics_cache_entries 1\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << " is not in\n" << text;
}

TEST_F(analytics_service, refuses_results_that_are_too_large) {
  settings_.result_bytes_max = 10'000;
  open_service({make_query("large", "SELECT x FROM range(100000) t(x)"), total_query()});
  EXPECT_EQ(get(bind("large")).error().code, error_code::too_large);
  EXPECT_TRUE(get(bind("total")));
}

TEST_F(analytics_service, counts_the_texts_of_a_result_into_the_size_of_the_cache) {
  open_service({make_query("bits", "SELECT x % 2 = 0 AS even FROM range(100000) t(x)")});
  const auto answer = get(bind("bits"));
  ASSERT_TRUE(answer && answer->value->json() && answer->value->csv());
  service_->update_metrics();
  const auto counted = analytics_metrics_->make_gauge("lodestar_analytics_cache_bytes", "").value();
  EXPECT_GE(
      static_cast<std::size_t>(counted),
      answer->value->arrow().size() + answer->value->json()->size() + answer->value->csv()->size());
}

TEST_F(analytics_service, refuses_projects_that_contradict_themselves) {
  const auto refused = [this](std::vector<event_definition> events,
                              std::vector<table_definition> tables,
                              std::vector<query_definition> queries) {
    auto opened = service::open(settings_, std::move(events), std::move(tables), std::move(queries),
                                *log_, time(), metrics_);
    return opened ? std::string("opened") : opened.error().describe();
  };
  auto other = flight_definition();
  EXPECT_NE(refused({flight_definition(), other}, {}, {})
                .find("event type 'FlightDeparted' is declared twice"),
            std::string::npos);
  other.event_type = "Other";
  EXPECT_NE(refused({flight_definition(), other}, {}, {}).find("table 'flight' is declared twice"),
            std::string::npos);
  EXPECT_NE(refused({flight_definition()}, {{"Flight", "SELECT 1", "t.toml"}}, {})
                .find("t.toml: table 'Flight' is declared twice"),
            std::string::npos);
  other = flight_definition();
  other.fields.push_back({"Origin", value_type::text, true});
  EXPECT_NE(refused({other}, {}, {}).find("column 'Origin' is declared twice"), std::string::npos);
  other.fields.back().name = "a\nb";
  EXPECT_NE(refused({other}, {}, {}).find("column name with a control character"),
            std::string::npos);
  other = flight_definition();
  other.history_sql = "SELECT 1 AS origin";
  EXPECT_NE(refused({other}, {}, {}).find("events/flight.toml: history of flight"),
            std::string::npos);
  EXPECT_NE(
      refused({}, {}, {total_query(), total_query()}).find("the query 'total' is declared twice"),
      std::string::npos);
}

TEST_F(analytics_service, takes_any_name_for_tables_and_columns) {
  auto odd = flight_definition();
  odd.table = "the \"flight\"; --";
  odd.key_column = "select";
  odd.fields[0].name = "a \"b";
  odd.fields[0].required = false;
  open_service(
      {make_query("q", "SELECT \"select\", delay, \"a \"\"b\" FROM \"the \"\"flight\"\"; --\"")},
      {odd});
  append_and_apply(flight("ATL", 1));
  // Doubled quotes inside a name are the one thing that the search for table names does not see.
  EXPECT_FALSE(service_->bind("q", {}));
  odd.table = "from";
  open_service({make_query("q", "SELECT \"select\", delay, \"a \"\"b\" FROM \"from\"")}, {odd});
  EXPECT_NE(json(get(bind("q"))).find(R"([["ATL",1,null]])"), std::string::npos)
      << json(get(bind("q")));
}

/// A log whose reads begin to fail.
class failing_log final : public log::event_log {
 public:
  explicit failing_log(log::event_log& real) : real_(real) {}
  void append(std::vector<log::new_event> batch, log::append_handler done) override {
    real_.append(std::move(batch), std::move(done));
  }
  result<log::read_page> read(const log::read_filter& filter) override {
    reads.fetch_add(1);
    if (failing.load()) return fail(error_code::corrupt, "the page is damaged");
    if (busy.load()) return fail(error_code::unavailable, "no connection is free");
    return real_.read(filter);
  }
  log::position last_position() const noexcept override { return real_.last_position(); }
  result<log::version> stream_version(const std::string& type, const std::string& id) override {
    return real_.stream_version(type, id);
  }
  std::unique_ptr<log::tail_subscription> subscribe(
      std::function<void(log::position)> wake) override {
    return real_.subscribe(std::move(wake));
  }
  std::atomic<bool> failing{false};
  std::atomic<bool> busy{false};
  std::atomic<int> reads{0};

 private:
  log::event_log& real_;
};

TEST_F(analytics_service, says_so_when_it_cannot_follow_the_log) {
  failing_log damaged(*log_);
  auto opened = service::open(settings_, {flight_definition()}, {}, {total_query()}, damaged,
                              time(), metrics_);
  ASSERT_TRUE(opened);
  service_ = std::move(*opened);
  append_and_apply(flight("ATL", 1));
  damaged.failing = true;
  awaited<std::int64_t> reached;
  service_->when_applied(2, 60'000, reached.handler());
  append(flight("ATL", 1));
  EXPECT_EQ(reached.get().error().code, error_code::corrupt);
  ASSERT_TRUE(service_->feeder_error());
  EXPECT_EQ(service_->applied(), 1);
  EXPECT_EQ(integer(*get(bind("total"))->value), 1) << "what is known is still answered";
  awaited<std::int64_t> later;
  service_->when_applied(3, 60'000, later.handler());
  EXPECT_EQ(later.get().error().code, error_code::corrupt);
  service_.reset();
}

TEST_F(analytics_service, asks_again_when_the_log_cannot_be_read_at_present) {
  failing_log slow(*log_);
  auto opened =
      service::open(settings_, {flight_definition()}, {}, {total_query()}, slow, time(), metrics_);
  ASSERT_TRUE(opened);
  service_ = std::move(*opened);
  slow.busy = true;
  const int reads_before = slow.reads.load();
  const auto position = append(flight("ATL", 1));
  ASSERT_TRUE(testing::yield_until([&] { return slow.reads.load() > reads_before; }));
  slow.busy = false;
  wait_applied(position);
  EXPECT_EQ(service_->feeder_error(), std::nullopt);
  service_.reset();
}

TEST_F(analytics_service, stays_consistent_while_many_read_and_write) {
  open_service({total_query(), airport_query()});
  constexpr int events = 300;
  std::atomic<bool> writing{true};
  std::atomic<int> wrong{0};
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&, reader] {
      const auto total = bind("total");
      const auto airport = bind("airport", {{"airport", reader == 0 ? "ATL" : "SFO"}});
      while (writing.load()) {
        const auto floor = service_->applied();
        const auto answer = get(total, {.position_min = floor});
        // Every event is a flight, so the count is the position: of the answer, and not before the
        // floor.
        if (!answer || integer(*answer->value) != answer->computed_at ||
            answer->computed_at < floor)
          wrong.fetch_add(1);
        if (!get(airport)) wrong.fetch_add(1);
      }
    });
  }
  for (int index = 0; index < events; ++index) append(flight(index % 2 == 0 ? "ATL" : "SFO", 1));
  wait_applied(events);
  writing = false;
  readers.clear();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(integer(*get(bind("total"))->value), events);
  EXPECT_EQ(integer(*get(bind("airport", {{"airport", "ATL"}}))->value), events / 2);
}

}  // namespace
}  // namespace lodestar::analytics
