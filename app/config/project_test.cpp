// Goal: every mistake in a project's files is reported with its file, line and likely fix. Method:
// a small right project in a temporary folder; each test breaks one thing.
#include "config/project.hpp"

#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_folder.hpp"

namespace lodestar::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class project_files : public testing::Test {
 protected:
  void SetUp() override {
    write("lodestar.toml", "[project]\nname = \"shop\"\nhome = \"sales\"\n");
    write("events/order_placed.toml",
          "event_type = \"OrderPlaced\"\naggregate_type = \"Shop\"\ntable = \"sale\"\nkey_column = "
          "\"shop\"\n"
          "[[field]]\nname = \"amount\"\ntype = \"number\"\n");
    write("queries/total.sql",
          "-- title: Total\n-- parameter: shop text = A\n-- depends_on: "
          "events/Shop/{shop}/**\nSELECT sum(amount) AS total FROM sale\n");
    write("dashboards/sales.toml",
          "title = \"Sales\"\n[[tile]]\nid = \"total\"\nquery = \"total\"\nchart = \"kpi\"\nvalue "
          "= \"total\"\n");
  }

  void write(const std::string& name, const std::string& content) {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }

  project load(const setting_flags& flags = {}) {
    found_ = problems();
    return load_project(folder_.path(), flags, found_);
  }

  /// "place: message (hint: …)" of each problem.
  std::vector<std::string> problems_of(const setting_flags& flags = {}) {
    (void)load(flags);
    std::vector<std::string> texts;
    for (const auto& what : found_.all()) texts.push_back(what.describe());
    return texts;
  }

  test::temp_folder folder_;
  problems found_;
};

TEST_F(project_files, a_right_project_has_no_problem) {
  const auto loaded = load();
  EXPECT_THAT(problems_of(), IsEmpty());
  EXPECT_EQ(loaded.home, "sales");
  ASSERT_EQ(loaded.queries.size(), 1U);
  EXPECT_EQ(loaded.queries[0].sql, "SELECT sum(amount) AS total FROM sale");
  EXPECT_EQ(loaded.queries[0].sql_line, 4);
  EXPECT_FALSE(loaded.queries[0].depends_on_all);
  ASSERT_EQ(loaded.dashboards.size(), 1U);
  EXPECT_EQ(loaded.dashboards[0].tiles[0].title, "Total");
}

TEST_F(project_files, a_missing_folder_is_named) {
  problems found;
  (void)load_project(folder_.path() / "nothing", {}, found);
  ASSERT_EQ(found.all().size(), 1U);
  EXPECT_THAT(found.all()[0].describe(), HasSubstr("is not a folder"));
}

TEST_F(project_files, wrong_toml_names_file_and_line) {
  write("events/order_placed.toml", "event_type = \"OrderPlaced\"\naggregate_type = \n");
  EXPECT_THAT(problems_of(), testing::Contains(HasSubstr("events/order_placed.toml:2: ")));
}

TEST_F(project_files, an_unknown_key_suggests_the_right_one) {
  write("lodestar.toml", "[project]\nname = \"shop\"\n[server]\nlistn = \"127.0.0.1:1\"\n");
  EXPECT_THAT(
      problems_of(),
      ElementsAre("lodestar.toml:4: unknown key server.listn (hint: did you mean \"listen\"?)"));
}

TEST_F(project_files, a_value_of_a_wrong_type_says_which_is_wanted) {
  write("lodestar.toml", "[project]\nname = \"shop\"\n[server]\nthreads = \"two\"\n");
  EXPECT_THAT(
      problems_of(),
      ElementsAre(HasSubstr("lodestar.toml:4: server.threads must be an integer, not a text")));
}

TEST_F(project_files, a_number_out_of_range_names_the_range) {
  EXPECT_THAT(problems_of({{"server.threads", "257"}}),
              ElementsAre(HasSubstr(
                  "command line: server.threads must be an integer from 0 to 256, not \"257\"")));
  EXPECT_THAT(problems_of({{"server.threads", "256"}}), IsEmpty());
}

TEST_F(project_files, flags_win_over_environment_over_file_over_default) {
  write("lodestar.toml",
        "[project]\nname = \"shop\"\n[server]\nthreads = 3\nlisten = \"127.0.0.1:3\"\n");
  EXPECT_EQ(load().settings.values.server_threads, 3);
  EXPECT_EQ(load().settings.sources.at("server.threads"), "lodestar.toml:4");
  ASSERT_EQ(setenv("LODESTAR_SERVER_THREADS", "4", 1), 0);
  EXPECT_EQ(load().settings.values.server_threads, 4);
  EXPECT_EQ(load().settings.sources.at("server.threads"),
            "environment variable LODESTAR_SERVER_THREADS");
  EXPECT_EQ(load({{"server.threads", "5"}}).settings.values.server_threads, 5);
  unsetenv("LODESTAR_SERVER_THREADS");
  EXPECT_EQ(load().settings.sources.at("cache.mib_max"), "default");
}

TEST_F(project_files, the_url_of_redis_is_checked_and_its_password_not_shown) {
  EXPECT_THAT(problems_of({{"cache.redis_url", "localhost:6379"}}),
              ElementsAre(AllOf(HasSubstr("command line: cache.redis_url"),
                                HasSubstr("redis://:password@127.0.0.1:6379/0"))));
  const setting_flags given{{"cache.redis_url", "rediss://user:sec%40ret@cache.example:6380/1"}};
  EXPECT_THAT(problems_of(given), IsEmpty());
  const auto read = load(given).settings;
  EXPECT_EQ(read.values.cache_redis_url, "rediss://user:sec%40ret@cache.example:6380/1");
  EXPECT_THAT(read.describe(), HasSubstr("rediss://***@cache.example:6380/1"));
  EXPECT_THAT(read.describe(), testing::Not(HasSubstr("sec")));
}

TEST_F(project_files, query_headers_are_checked) {
  write("queries/total.sql", "-- titel: Total\nSELECT 1\n");
  EXPECT_THAT(problems_of(),
              testing::Contains(AllOf(HasSubstr("queries/total.sql:1: unknown header key titel"),
                                      HasSubstr("title"))));
  write("queries/total.sql", "-- parameter: shop\nSELECT 1\n");
  EXPECT_THAT(
      problems_of(),
      testing::Contains(HasSubstr("queries/total.sql:1: a parameter needs a name and a type")));
  write("queries/total.sql", "-- depends_on: events/{shop}/**\nSELECT 1\n");
  EXPECT_THAT(problems_of(), testing::Contains(HasSubstr("which is not a parameter of the query")));
  write("queries/total.sql", "-- depends_on: events//x\nSELECT 1\n");
  EXPECT_THAT(problems_of(), testing::Contains(HasSubstr("depends_on events//x")));
  write("queries/total.sql", "-- fresh_ms: soon\nSELECT 1\n");
  EXPECT_THAT(problems_of(), testing::Contains(HasSubstr(
                                 "queries/total.sql:1: \"soon\" is not a number of milliseconds")));
  write("queries/total.sql", "-- title: Total\n");
  EXPECT_THAT(problems_of(), testing::Contains(HasSubstr("queries/total.sql: holds no SQL")));
}

TEST_F(project_files, comments_without_a_key_are_comments) {
  write("queries/total.sql",
        "-- title: Total\n-- Note: not a key\n-- and this neither\n\nSELECT 1 AS total -- "
        "fresh_ms: 1\n");
  EXPECT_THAT(problems_of(), IsEmpty());
  EXPECT_EQ(load().queries[0].sql_line, 5);
}

TEST_F(project_files, dashboards_are_checked_against_queries) {
  write("dashboards/sales.toml", "title = \"Sales\"\n[[tile]]\nid = \"total\"\nquery = \"totl\"\n");
  EXPECT_THAT(
      problems_of(),
      ElementsAre("dashboards/sales.toml:4: unknown query totl (hint: did you mean \"total\"?)"));
  write("dashboards/sales.toml",
        "title = \"Sales\"\n[[tile]]\nid = \"total\"\nquery = \"total\"\nchart = \"pie\"\n");
  EXPECT_THAT(problems_of(),
              ElementsAre(HasSubstr("dashboards/sales.toml:5: unknown chart \"pie\"")));
  write("dashboards/sales.toml",
        "title = \"Sales\"\n[[tile]]\nid = \"total\"\nquery = \"total\"\nparameters = { shp = "
        "\"A\" }\n");
  EXPECT_THAT(problems_of(),
              ElementsAre("dashboards/sales.toml:5: tile total: query total has no parameter shp "
                          "(hint: did you mean \"shop\"?)"));
  write("dashboards/sales.toml", "title = \"Sales\"\n");
  EXPECT_THAT(problems_of(), ElementsAre(HasSubstr("dashboards/sales.toml: has no tile")));
}

TEST_F(project_files, columns_that_every_table_has_cannot_be_declared) {
  write("events/order_placed.toml",
        "event_type = \"OrderPlaced\"\naggregate_type = \"Shop\"\ntable = \"sale\"\nkey_column = "
        "\"shop\"\n"
        "[[field]]\nname = \"position\"\ntype = \"integer\"\n");
  EXPECT_THAT(problems_of(), ElementsAre(HasSubstr("events/order_placed.toml:6: column position "
                                                   "exists already (hint: position and")));
}

TEST_F(project_files, columns_and_tables_are_told_apart_without_regard_to_case) {
  write("lodestar.toml", "[project]\nname = \"shop\"\n\n[table.Sale]\nsql = \"SELECT 1\"\n");
  EXPECT_THAT(problems_of(), ElementsAre("lodestar.toml:5: table Sale is declared twice (hint: the "
                                         "first one is at events/order_placed.toml:3)"));
  write("lodestar.toml", "[project]\nname = \"shop\"\n");
  write("events/order_placed.toml",
        "event_type = \"OrderPlaced\"\naggregate_type = \"Shop\"\ntable = \"sale\"\nkey_column = "
        "\"shop\"\n[[field]]\nname = \"Shop\"\ntype = \"integer\"\n");
  EXPECT_THAT(problems_of(),
              ElementsAre(HasSubstr("events/order_placed.toml:6: column Shop exists already")));
}

TEST_F(project_files, event_types_are_unique_and_printable) {
  write("events/second.toml",
        "event_type = \"OrderPlaced\"\naggregate_type = \"Shop\"\ntable = \"other\"\n"
        "key_column = \"shop\"\n");
  EXPECT_THAT(problems_of(),
              ElementsAre("events/second.toml:1: event type OrderPlaced is declared twice (hint: "
                          "the first one is at events/order_placed.toml:1)"));
  write("events/second.toml",
        "event_type = \"Order\\nSent\"\naggregate_type = \"Sh\\u007fop\"\ntable = \"other\"\n"
        "key_column = \"shop\"\n");
  EXPECT_THAT(
      problems_of(),
      ElementsAre(HasSubstr("events/second.toml:1: event_type holds a control character"),
                  HasSubstr("events/second.toml:2: aggregate_type holds a control character")));
  write("events/second.toml", "event_type = \"" + std::string(257, 'x') +
                                  "\"\naggregate_type = \"Shop\"\ntable = \"other\"\n"
                                  "key_column = \"shop\"\n");
  EXPECT_THAT(
      problems_of(),
      ElementsAre(HasSubstr("events/second.toml:1: event_type has 257 bytes, the limit is")));
}

TEST_F(project_files, parameters_of_queries_are_checked_with_their_line) {
  const auto header = [this](const std::string& lines) {
    write("queries/total.sql", lines + "SELECT sum(amount) AS total FROM sale\n");
    return problems_of();
  };
  for (const std::string name : {"format", "min_position", "as_of"}) {
    EXPECT_THAT(header("-- parameter: " + name + " text = x\n"),
                ElementsAre(AllOf(
                    HasSubstr("queries/total.sql:1: the parameter name " + name + " is reserved"),
                    HasSubstr("choose another name"))));
  }
  EXPECT_THAT(header("-- parameter: a text = x\n-- parameter: a text = y\n"),
              ElementsAre(HasSubstr("queries/total.sql:2: parameter a is declared twice")));
  EXPECT_THAT(header("-- title: T\n-- parameter: n integer = many\n"),
              ElementsAre(HasSubstr("queries/total.sql:2: the default of parameter n: 'many' is "
                                    "not an integer, for example 42")));
  EXPECT_THAT(header("-- parameter: a-b text = x\n"),
              ElementsAre(HasSubstr("queries/total.sql:1: parameter name \"a-b\" is not a plain")));
}

TEST_F(project_files, dependencies_are_checked_with_their_line) {
  const auto header = [this](const std::string& lines) {
    write("queries/total.sql", lines + "SELECT sum(amount) AS total FROM sale\n");
    return problems_of();
  };
  EXPECT_THAT(
      header("-- depends_on: events/Shop/{shp}/**\n-- parameter: shop text = A\n"),
      ElementsAre("queries/total.sql:1: depends_on names {shp}, which is not a parameter of "
                  "the query (hint: did you mean \"shop\"?)"));
  EXPECT_THAT(header("-- depends_on: events/Shop/{shop}/**\n-- parameter: shop text = A\n"),
              IsEmpty());
  EXPECT_THAT(header("-- title: T\n-- depends_on: events/{shop\n"),
              ElementsAre(HasSubstr("queries/total.sql:2: depends_on events/{shop has a brace")));
  EXPECT_THAT(header("-- depends_on: events/Shop/**\n-- depends_on: none\n"),
              ElementsAre(AllOf(HasSubstr("queries/total.sql:2: depends_on all and"),
                                HasSubstr("queries/total.sql:1"))));
  EXPECT_THAT(header("-- depends_on: all\n-- depends_on: events/Shop/**\n"),
              ElementsAre(HasSubstr("queries/total.sql:2: depends_on all and")));
}

TEST_F(project_files, home_names_its_line) {
  write("lodestar.toml", "[project]\nname = \"shop\"\nhome = \"sale\"\n");
  EXPECT_THAT(problems_of(),
              ElementsAre("lodestar.toml:3: project.home names the unknown dashboard "
                          "sale (hint: did you mean \"sales\"?)"));
}

/// A dashboard of one parameter and one tile (at line 6), each with more lines.
class dashboard_files : public project_files {
 protected:
  void SetUp() override {
    project_files::SetUp();
    write("queries/level.sql",
          "-- parameter: level integer\n-- parameter: shop text = A\nSELECT $level AS level\n");
    write("queries/shops.sql", "SELECT 'A' AS value\n");
  }
  std::vector<std::string> problems_with(const std::string& control, const std::string& tile) {
    write("dashboards/sales.toml", "title = \"Sales\"\n[[parameter]]\nname = \"shop\"\n" + control +
                                       "\n\n[[tile]]\nid = \"a\"\n" + tile + "\n");
    return problems_of();
  }
};

TEST_F(dashboard_files, tile_parameters_name_parameters_of_the_page) {
  EXPECT_THAT(problems_with("default = \"A\"", "query = \"total\"\nparameters.shop = \"{shp}\""),
              ElementsAre("dashboards/sales.toml:9: tile a: {shp} is not a parameter of the "
                          "dashboard (hint: did you mean \"shop\"?)"));
  EXPECT_THAT(problems_with("default = \"A\"", "query = \"total\"\nparameters.shop = \"{shop\""),
              ElementsAre(HasSubstr("dashboards/sales.toml:9: tile a: \"{shop\" has a brace")));
}

TEST_F(dashboard_files, values_fit_the_type_of_the_query_parameter) {
  EXPECT_THAT(
      problems_with("default = \"A\"", "query = \"level\"\nparameters = { level = \"high\" }"),
      ElementsAre(HasSubstr("dashboards/sales.toml:9: tile a: parameter level of query level: "
                            "'high' is not an integer, for example 42")));
  EXPECT_THAT(
      problems_with("default = \"A\"", "query = \"level\"\nparameters = { level = \"{shop}\" }"),
      ElementsAre(HasSubstr("dashboards/sales.toml:4: the default of shop does not fit the "
                            "parameter level of query level: 'A' is not an integer")));
  for (const auto* right : {"3", "{shop}", "-{shop}"}) {
    EXPECT_THAT(problems_with("default = \"7\"", fmt::format("query = \"level\"\nparameters = {{ "
                                                             "level = \"{}\" }}",
                                                             right)),
                IsEmpty());
  }
  // Without a default there is nothing to check before somebody asks.
  EXPECT_THAT(problems_with("", "query = \"level\"\nparameters = { level = \"{shop}\" }"),
              IsEmpty());
}

TEST_F(dashboard_files, a_missing_parameter_names_the_tile) {
  EXPECT_THAT(problems_with("default = \"A\"", "query = \"level\""),
              ElementsAre("dashboards/sales.toml:6: tile a: parameter level of query level is "
                          "missing (hint: add parameters = { level = \"…\" })"));
}

TEST_F(dashboard_files, names_on_a_page_are_unique_and_not_reserved) {
  EXPECT_THAT(problems_with("[[parameter]]\nname = \"shop\"", "query = \"total\""),
              ElementsAre("dashboards/sales.toml:5: parameter shop is declared twice (hint: the "
                          "first one is at dashboards/sales.toml:3)"));
  EXPECT_THAT(problems_with("[[parameter]]\nname = \"datastar\"", "query = \"total\""),
              ElementsAre(HasSubstr(
                  "dashboards/sales.toml:5: the parameter name datastar is reserved (hint: ")));
  EXPECT_THAT(problems_with("", "query = \"total\"\n[[tile]]\nid = \"a\"\nquery = \"total\""),
              ElementsAre("dashboards/sales.toml:10: tile a is declared twice (hint: the first one "
                          "is at dashboards/sales.toml:7)"));
}

TEST_F(dashboard_files, an_options_query_takes_no_parameters) {
  EXPECT_THAT(
      problems_with("control = \"select\"\noptions_query = \"level\"", "query = \"total\""),
      ElementsAre(HasSubstr("dashboards/sales.toml:5: the query level needs the parameter level, "
                            "and an options_query gets none (hint: give level a default in "
                            "queries/level.sql")));
  EXPECT_THAT(
      problems_with("control = \"select\"\noptions_query = \"shps\"", "query = \"total\""),
      ElementsAre("dashboards/sales.toml:5: unknown query shps (hint: did you mean \"shops\"?)"));
  EXPECT_THAT(problems_with("options_query = \"shops\"", "query = \"total\""),
              ElementsAre(HasSubstr("dashboards/sales.toml:4: a text control has no")));
  EXPECT_THAT(problems_with("control = \"select\"\noptions_query = \"shops\"", "query = \"total\""),
              IsEmpty());
}

TEST_F(dashboard_files, a_chart_has_the_keys_it_needs_and_no_others) {
  const auto needs = [](std::string_view chart, std::string_view key) {
    return fmt::format(
        "dashboards/sales.toml:9: chart \"{}\" needs the key {} (hint: add {} = "
        "\"COLUMN\")",
        chart, key, key);
  };
  const auto of = [this](std::string_view rest) {
    return problems_with("", fmt::format("query = \"total\"\nchart = {}", rest));
  };
  EXPECT_THAT(of("\"kpi\""), ElementsAre(needs("kpi", "value")));
  for (const auto* chart : {"line", "area", "bar", "histogram"}) {
    EXPECT_THAT(of(fmt::format("\"{}\"", chart)),
                ElementsAre(needs(chart, "x"), needs(chart, "y")));
  }
  EXPECT_THAT(of("\"map\""), ElementsAre(needs("map", "longitude"), needs("map", "latitude")));
  EXPECT_THAT(of("\"table\""), IsEmpty());
  EXPECT_THAT(of("\"table\"\nlatitude = \"total\""),
              ElementsAre("dashboards/sales.toml:10: chart \"table\" has no key latitude (hint: it "
                          "has columns, bar, link)"));
  EXPECT_THAT(of("\"kpi\"\nvalue = \"total\"\nlink = \"/d/sales\""),
              ElementsAre(HasSubstr("dashboards/sales.toml:11: chart \"kpi\" has no key link")));
}

TEST_F(dashboard_files, a_link_is_a_path_of_this_server) {
  const auto of = [this](std::string_view link) {
    return problems_with("", fmt::format("query = \"total\"\nlink = \"{}\"", link));
  };
  for (const auto* wrong : {"https://example.org/{total}", "d/sales", "//example.org", "{total}"}) {
    EXPECT_THAT(of(wrong), ElementsAre(AllOf(HasSubstr("dashboards/sales.toml:9: link "),
                                             HasSubstr("is not a path of this server"))))
        << wrong;
  }
  EXPECT_THAT(of("/d/sales?shop={total"), ElementsAre(HasSubstr("has a brace without")));
  EXPECT_THAT(of("/d/sales?shop={total}"), IsEmpty());
}

TEST_F(dashboard_files, the_columns_of_y_have_no_blank) {
  EXPECT_THAT(
      problems_with("", "query = \"total\"\nchart = \"bar\"\nx = \"total\"\ny = \"on time\""),
      ElementsAre(
          HasSubstr("dashboards/sales.toml:11: the column name \"on time\" of y has a blank")));
}

TEST(listen_address, takes_names_and_ports) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:8080")->port, 8080);
  EXPECT_EQ(parse_listen_address("[::1]:1")->address, "::1");
  for (const auto* wrong :
       {"", "8080", ":8080", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http"}) {
    EXPECT_FALSE(parse_listen_address(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace lodestar::app
