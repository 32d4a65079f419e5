// Goal: a result that outlived its process is used when, and only when, it is what computing it now
// would give. The log and DuckDB are real; between the services the results lie in a store.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <lodestar/swr/map_store.hpp>
#include <lodestar/swr/testing/steered_store.hpp>
#include <lodestar/swr/tiers.hpp>

#include "log_dependencies.hpp"
#include "testing/service_fixture.hpp"

namespace lodestar::analytics {
namespace {

using testing::airport_query;
using testing::flight_definition;
using testing::make_query;
using testing::service_fixture;
using testing::total_query;

class stored_results : public service_fixture {
 protected:
  /// Another process, as far as memory goes.
  void restart(std::vector<query_definition> queries = {airport_query(), total_query()},
               std::vector<event_definition> events = {flight_definition()},
               std::vector<table_definition> tables = {}) {
    service_.reset();
    settings_.below = swr::tiers::make({.tiers = {{.below = store_}}});
    open_service(std::move(queries), std::move(events), std::move(tables));
  }
  std::string ask(std::string_view name, const parameters& values = {}) {
    return json(get(bind(name, values)));
  }
  void expect_stored(std::string_view name, const parameters& values = {}) {
    const auto before = executions(name);
    const auto answer = get(bind(name, values));
    ASSERT_TRUE(answer) << answer.error().describe();
    EXPECT_EQ(executions(name), before) << name << " was computed again";
    EXPECT_EQ(answer->state, swr::freshness::fresh);
    EXPECT_TRUE(answer->hit);
  }
  void expect_computed(std::string_view name, const parameters& values = {}) {
    const auto before = executions(name);
    ASSERT_TRUE(get(bind(name, values)));
    EXPECT_EQ(executions(name), before + 1) << name << " came from before";
  }

  std::shared_ptr<swr::map_store> store_ =
      std::make_shared<swr::map_store>(swr::map_store_options{}, system_clock());
};

TEST_F(stored_results, are_used_after_a_restart) {
  append(flight("ATL", 5));
  append(flight("SFO", 7));
  restart();
  const std::string total = ask("total");
  const std::string atlanta = ask("airport", {{"airport", "ATL"}});
  restart();
  expect_stored("total");
  expect_stored("airport", {{"airport", "ATL"}});
  EXPECT_EQ(ask("total"), total);
  EXPECT_EQ(ask("airport", {{"airport", "ATL"}}), atlanta);
  expect_computed("airport", {{"airport", "SFO"}});
}

TEST_F(stored_results, are_out_of_date_after_events_that_nobody_heard_of) {
  append(flight("ATL", 5));
  append(flight("SFO", 7));
  restart();
  static_cast<void>(ask("total"));
  static_cast<void>(ask("airport", {{"airport", "ATL"}}));
  static_cast<void>(ask("airport", {{"airport", "SFO"}}));
  service_.reset();
  append(flight("SFO", 9));
  restart();
  expect_stored("airport", {{"airport", "ATL"}});
  expect_computed("airport", {{"airport", "SFO"}});
  expect_computed("total");
}

TEST_F(stored_results, are_out_of_date_after_events_that_come_later) {
  append(flight("ATL", 5));
  restart();
  static_cast<void>(ask("airport", {{"airport", "ATL"}}));
  restart();
  expect_stored("airport", {{"airport", "ATL"}});
  append_and_apply(flight("SFO", 9));
  expect_stored("airport", {{"airport", "ATL"}});
  append_and_apply(flight("ATL", 9));
  EXPECT_EQ(integer(*get(bind("airport", {{"airport", "ATL"}}))->value), 2);
}

TEST_F(stored_results, that_come_when_service_and_log_are_gone_ask_neither) {
  append(flight("ATL", 5));
  const auto steered = std::make_shared<swr::testing::steered_store>(system_clock());
  const auto open_over_it = [&] {
    service_.reset();
    settings_.below = swr::tiers::make({.tiers = {{.below = steered}}});
    open_service({total_query()}, {flight_definition()}, {});
  };
  open_over_it();
  static_cast<void>(ask("total"));
  open_over_it();
  steered->park(true);
  testing::awaited<query_answer> answer;
  service_->get(bind("total"), {}, answer.handler());
  ASSERT_GT(steered->parked(), 0U);
  service_.reset();
  log_.reset();
  while (steered->parked() > 0) steered->let_go(0);
  const auto outcome = answer.get();
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, error_code::unavailable);
}

TEST_F(stored_results, of_another_log_are_none) {
  append(flight("ATL", 5));
  append(flight("ATL", 6));
  restart();
  static_cast<void>(ask("total"));
  service_.reset();
  log_.reset();
  sqlite_log::options other;
  other.file = folder_ / "other.db";
  auto opened = sqlite_log::open(other, time(), metrics_);
  ASSERT_TRUE(opened);
  log_ = std::move(*opened);
  append(flight("ATL", 100));
  restart();
  EXPECT_EQ(integer(*get(bind("total"))->value), 1) << "this log is shorter";
  service_.reset();
  append(flight("ATL", 100));
  restart();
  expect_computed("total");
}

TEST_F(stored_results, of_other_tables_are_none) {
  const auto event = [this](std::string history) {
    auto definition = flight_definition();
    definition.history_sql = std::move(history);
    return definition;
  };
  const std::string one =
      "SELECT 'ATL' AS origin, 'SFO' AS destination, 1 AS delay, NULL AS departed_at, NULL AS fare";
  append(flight("ATL", 5));
  restart({total_query()}, {event(one)});
  static_cast<void>(ask("total"));
  restart({total_query()}, {event(one)});
  expect_stored("total");
  restart({total_query()}, {event(one + " UNION ALL " + one)});
  EXPECT_EQ(integer(*get(bind("total"))->value), 3);

  const auto names = make_query("names", "SELECT name FROM airport");
  const auto table = [](const std::string& name) {
    return table_definition{
        .name = "airport", .sql = "SELECT '" + name + "' AS name", .file = "lodestar.toml"};
  };
  restart({names}, {flight_definition()}, {table("Atlanta")});
  static_cast<void>(ask("names"));
  restart({names}, {flight_definition()}, {table("Atlanta")});
  expect_stored("names");
  restart({names}, {flight_definition()}, {table("Hartsfield")});
  expect_computed("names");
}

TEST_F(stored_results, of_another_query_of_that_name_are_none) {
  append(flight("ATL", 5));
  restart();
  static_cast<void>(ask("total"));
  restart({make_query("total", "SELECT count(*) + 1 AS flights FROM flight")});
  EXPECT_EQ(integer(*get(bind("total"))->value), 2);
}

TEST_F(stored_results, serve_the_first_round_of_a_page) {
  append(flight("ATL", 5));
  restart();
  static_cast<void>(ask("total"));
  restart();
  testing::state_collector states;
  const auto page = service_->start_watch({bind("total")}, states.callback());
  ASSERT_TRUE(states.wait_position(1));
  EXPECT_EQ(executions("total"), 0U);
  const auto position = append(flight("ATL", 6));
  ASSERT_TRUE(states.wait_position(position));
  EXPECT_EQ(executions("total"), 1U);
}

TEST_F(stored_results, of_an_empty_log_are_used_until_it_has_an_event) {
  restart();
  static_cast<void>(ask("total"));
  restart();
  expect_stored("total");
  service_.reset();
  append(flight("ATL", 5));
  restart();
  expect_computed("total");
}

/// The rules one by one, without a database.
class log_dependencies_test : public service_fixture {
 protected:
  std::shared_ptr<const swr::dependency> restore(const std::string& expression,
                                                 std::int64_t computed_at) {
    return source().restore({.kind = swr::depends_on::listed, .keys = {expression}}, computed_at);
  }
  log_dependencies& source() {
    if (!source_) source_.emplace(*log_, tree_, 7);
    return *source_;
  }
  keyexpr::moved_tree tree_;
  std::optional<log_dependencies> source_;
};

TEST_F(log_dependencies_test, asks_the_log_for_what_moved_since) {
  append(flight("ATL", 1));
  append(flight("SFO", 1));
  append(flight("A/L", 1));
  tree_.bump("events/Airport/ATL/1", 1);
  tree_.bump("events/Airport/SFO/1", 2);
  tree_.bump("events/Airport/A%2FL/1", 3);
  EXPECT_LE(restore("events/Airport/ATL/**", 1)->moved_at(), 1);
  EXPECT_GT(restore("events/Airport/ATL/**", 0)->moved_at(), 0);
  EXPECT_EQ(restore("events/Airport/*/1", 2)->moved_at(), 3);
  EXPECT_GT(restore("events/*/SFO/**", 1)->moved_at(), 1);
  EXPECT_LE(restore("events/*/SFO/**", 2)->moved_at(), 2);
  EXPECT_EQ(restore("events/Airport/A%2FL/**", 2)->moved_at(), 3);
  EXPECT_EQ(restore("**", 2)->moved_at(), 3);
  EXPECT_LE(restore("events/Airport/S$*/**", 2)->moved_at(), 2);
  EXPECT_LE(restore("other/**", 0)->moved_at(), 0);
  EXPECT_EQ(restore("events/Airport/", 0), nullptr) << "no key expression";
  const auto here = restore("events/Airport/ATL/**", 3);
  EXPECT_LE(here->moved_at(), 3);
  tree_.bump("events/Airport/SFO/2", 4);
  EXPECT_LE(here->moved_at(), 3);
  tree_.bump("events/Airport/ATL/2", 5);
  EXPECT_EQ(here->moved_at(), 5);
  EXPECT_EQ(here->stored()->keys, std::vector<std::string>{"events/Airport/ATL/**"});
}

TEST_F(log_dependencies_test, does_not_know_what_takes_long_to_find_out) {
  std::vector<log::new_event> many;
  for (int each = 0; each < 2'000; ++each) many.push_back(flight("ATL", each));
  append(std::move(many));
  EXPECT_EQ(restore("events/*/SFO/**", 0), nullptr);
  EXPECT_NE(restore("events/*/SFO/**", 1'900), nullptr);
  EXPECT_NE(restore("events/Airport/SFO/**", 0), nullptr) << "the log has an index for that";
}

TEST_F(log_dependencies_test, tells_logs_apart_by_the_event_at_the_position) {
  append(flight("ATL", 1));
  append(flight("ATL", 2));
  const auto first = source().epoch(1);
  EXPECT_EQ(source().epoch(1), first);
  EXPECT_NE(source().epoch(2), first);
  EXPECT_NE(source().epoch(0), first);
  EXPECT_EQ(source().epoch(3), std::nullopt);
  log_dependencies other_tables(*log_, tree_, 8);
  EXPECT_NE(other_tables.epoch(1), first);
}

}  // namespace
}  // namespace lodestar::analytics
