// The table with its marks and regrets, and CSV.
#include <gmock/gmock.h>

#include "hit_ratio/ratio_output.hpp"
#include "hit_ratio/regret.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

policy_list named(std::initializer_list<std::string_view> names) {
  policy_list kinds;
  for (const std::string_view name : names) kinds.push_back(*find_policy(name));
  return kinds;
}

const std::vector<ratio_row> rows{
    {.trace = "oltp", .capacity = 1'000, .accesses = 10'000, .hits = {9'000, 5'000, 4'000}},
    {.trace = "a longer name", .capacity = 20, .accesses = 1'000, .hits = {500, 123, 123}},
};

// The optimum is no competitor; a tie is a win for both.
TEST(ratio_output, the_table_marks_the_best_online_policy) {
  EXPECT_EQ(format_table(rows, named({"belady", "arc", "lru"})),
            "hit ratio, %    capacity   belady       arc       lru\n"
            "oltp                1000    90.00     50.00*    40.00\n"
            "a longer name         20    50.00     12.30*    12.30*\n"
            "\n"
            "mean regret                            0.00      5.00\n"
            "max regret                             0.00     10.00\n"
            "row wins                                  2         1\n");
}

TEST(ratio_output, without_an_online_policy_there_is_no_best) {
  const std::vector<ratio_row> row{{.trace = "t", .capacity = 1, .accesses = 2, .hits = {1}}};
  EXPECT_EQ(format_table(row, named({"belady"})),
            "hit ratio, %   capacity   belady\n"
            "t                     1    50.00\n");
}

TEST(ratio_output, csv_has_a_line_for_each_policy) {
  EXPECT_EQ(csv_header, "trace,policy,capacity,hit_percent\n");
  EXPECT_EQ(format_csv(rows[0], named({"belady", "arc", "lru"})),
            "oltp,belady,1000,90.0000\noltp,arc,1000,50.0000\noltp,lru,1000,40.0000\n");
}

TEST(ratio_output, csv_quotes_what_separates) {
  EXPECT_EQ(
      format_csv({.trace = "a,\"b\"", .capacity = 1, .accesses = 3, .hits = {1}}, named({"lru"})),
      "\"a,\"\"b\"\"\",lru,1,33.3333\n");
}

TEST(regret, is_counted_in_percentage_points) {
  const policy_list policies = named({"lirs", "arc", "lru"});
  EXPECT_EQ(best_online(rows[0], policies), 9'000U);
  const regret found = regret_of(1, rows, policies);
  EXPECT_DOUBLE_EQ(found.mean, (40.0 + 37.7) / 2);
  EXPECT_DOUBLE_EQ(found.max, 40.0);
  EXPECT_EQ(found.wins, 0U);
  EXPECT_EQ(regret_of(0, rows, policies).wins, 2U);
}

}  // namespace
}  // namespace lodestar::bench::hit_ratio
