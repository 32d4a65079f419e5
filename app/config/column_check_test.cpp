// Goal: every column that a dashboard names and its query does not return is reported with its
// line; right ones, and those DuckDB cannot know before it has values, are not. Method: a real
// service.
#include "config/column_check.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/empty_log.hpp"
#include "support/temp_folder.hpp"

namespace lodestar::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class columns_of_tiles : public testing::Test {
 protected:
  void SetUp() override {
    write("lodestar.toml", "[project]\nname = \"shop\"\n");
    write("events/order_placed.toml",
          "event_type = \"OrderPlaced\"\naggregate_type = \"Shop\"\ntable = \"sale\"\nkey_column = "
          "\"shop\"\n[[field]]\nname = \"amount\"\ntype = \"number\"\n");
    write("queries/shops.sql",
          "-- parameter: least number = 0\nSELECT shop, sum(amount) AS revenue FROM sale WHERE "
          "amount >= $least GROUP BY shop\n");
    write("queries/late.sql",
          "-- parameter: least number = 0\nSELECT $least + 1 AS next, 2 AS two\n");
    write("queries/broken.sql", "SELECT nothing FROM sale\n");
    write("queries/choices.sql", "SELECT shop AS label, shop AS value FROM sale\n");
  }

  void write(const std::string& name, const std::string& content) {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }

  /// What is wrong with a dashboard whose tile begins at line 2.
  std::vector<std::string> problems_with(const std::string& dashboard) {
    write("dashboards/sales.toml", "title = \"Sales\"\n" + dashboard);
    problems found;
    const auto configuration = load_project(folder_.path(), {}, found);
    EXPECT_THAT(found.all(), IsEmpty());
    empty_log log;
    metrics_registry metrics;
    analytics::options options;
    options.threads = 1;
    options.connections = 1;
    auto service = analytics::service::open(options, configuration.events, configuration.tables,
                                            configuration.queries, log, system_clock(), metrics);
    EXPECT_TRUE(service) << service.error().describe();
    std::vector<std::string> texts;
    const auto wrong = check_columns(configuration, **service);
    for (const auto& what : wrong.all()) texts.push_back(what.describe());
    return texts;
  }

  test::temp_folder folder_;
};

TEST_F(columns_of_tiles, right_ones_are_no_problem) {
  EXPECT_THAT(
      problems_with("[[parameter]]\nname = \"least\"\ndefault = \"0\"\n"
                    "[[tile]]\nid = \"a\"\nquery = \"shops\"\nchart = \"bar\"\nx = \"shop\"\n"
                    "y = \"revenue\"\nformat = { revenue = \"integer\" }\n"
                    "link = \"/d/sales?shop={shop}&least={least}\"\n"),
      IsEmpty());
}

TEST_F(columns_of_tiles, a_column_that_the_query_lacks_is_reported_at_its_key) {
  EXPECT_THAT(
      problems_with("[[tile]]\nid = \"a\"\nquery = \"shops\"\nchart = \"bar\"\nx = \"shp\"\n"
                    "y = [\"revenue\", \"orders\"]\nformat = { revenu = \"integer\" }\n"
                    "link = \"/d/sales?shop={shopp}\"\n"),
      testing::UnorderedElementsAre(
          "dashboards/sales.toml:6: tile a: the query shops has no column shp (hint: did you mean "
          "\"shop\"?)",
          "dashboards/sales.toml:7: tile a: the query shops has no column orders (hint: one of: "
          "shop, revenue)",
          "dashboards/sales.toml:8: tile a: the query shops has no column revenu (hint: did you "
          "mean \"revenue\"?)",
          "dashboards/sales.toml:9: tile a: {shopp} is neither a column of the query shops nor a "
          "parameter of the dashboard (hint: did you mean \"shop\"?)"));
}

TEST_F(columns_of_tiles, a_select_needs_the_column_value) {
  const std::string tile = "[[tile]]\nid = \"a\"\nquery = \"shops\"\n";
  EXPECT_THAT(
      problems_with("[[parameter]]\nname = \"shop\"\ncontrol = \"select\"\n"
                    "options_query = \"shops\"\ndefault = \"A\"\n" +
                    tile),
      ElementsAre(HasSubstr("dashboards/sales.toml:5: the query shops has no column value")));
  EXPECT_THAT(problems_with("[[parameter]]\nname = \"shop\"\ncontrol = \"select\"\n"
                            "options_query = \"choices\"\ndefault = \"A\"\n" +
                            tile),
              IsEmpty());
}

TEST_F(columns_of_tiles, what_duckdb_does_not_know_is_passed_over) {
  EXPECT_THAT(problems_with("[[tile]]\nid = \"a\"\nquery = \"broken\"\ncolumns = \"x\"\n"
                            "[[tile]]\nid = \"b\"\nquery = \"late\"\ncolumns = \"next\"\n"),
              IsEmpty());
}

}  // namespace
}  // namespace lodestar::app
