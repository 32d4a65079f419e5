// Goal: every mistake in a project's files is reported with its file, line and likely fix. Method:
// a small right project in a temporary folder; each test breaks one thing.
#include "config/project.hpp"

#include <cstdlib>
#include <fstream>

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
      ElementsAre("dashboards/sales.toml: unknown query totl (hint: did you mean \"total\"?)"));
  write("dashboards/sales.toml",
        "title = \"Sales\"\n[[tile]]\nid = \"total\"\nquery = \"total\"\nchart = \"pie\"\n");
  EXPECT_THAT(problems_of(),
              ElementsAre(HasSubstr("dashboards/sales.toml:5: unknown chart \"pie\"")));
  write("dashboards/sales.toml",
        "title = \"Sales\"\n[[tile]]\nid = \"total\"\nquery = \"total\"\nparameters = { shp = "
        "\"A\" }\n");
  EXPECT_THAT(problems_of(), ElementsAre(HasSubstr("query total has no parameter shp")));
  write("dashboards/sales.toml", "title = \"Sales\"\n");
  EXPECT_THAT(problems_of(), ElementsAre(HasSubstr("dashboards/sales.toml: has no tile")));
}

TEST_F(project_files, columns_that_every_table_has_cannot_be_declared) {
  write("events/order_placed.toml",
        "event_type = \"OrderPlaced\"\naggregate_type = \"Shop\"\ntable = \"sale\"\nkey_column = "
        "\"shop\"\n"
        "[[field]]\nname = \"position\"\ntype = \"integer\"\n");
  EXPECT_THAT(problems_of(), testing::Contains(HasSubstr("column position exists already")));
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
