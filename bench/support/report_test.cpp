// Goal: a benchmark runs as it was told, or says how to tell it.
#include "support/report.hpp"

#include <gtest/gtest.h>

namespace lodestar::bench {
namespace {

std::optional<arguments> parse(const std::vector<const char*>& given) {
  static const std::vector<own_option> own = {{"--full", ""}, {"--seconds", "S"}};
  return parse_arguments(given, own);
}

TEST(arguments, are_all_optional) {
  const auto given = parse({});
  ASSERT_TRUE(given);
  EXPECT_FALSE(given->quick);
  EXPECT_FALSE(given->has("--full"));
  EXPECT_EQ(given->number("--seconds", 2), 2);
  EXPECT_TRUE(given->wants("anything"));
}

TEST(arguments, are_taken_in_any_order) {
  const auto given =
      parse({"--seconds", "0.5", "--only", "read", "--full", "--json", "x", "--quick"});
  ASSERT_TRUE(given);
  EXPECT_TRUE(given->quick);
  EXPECT_TRUE(given->has("--full"));
  EXPECT_EQ(given->number("--seconds", 2), 0.5);
  EXPECT_EQ(given->json, "x");
  EXPECT_TRUE(given->wants("read-1t"));
  EXPECT_FALSE(given->wants("write-1t"));
}

TEST(arguments, that_mean_nothing_are_refused) {
  const std::vector<std::vector<const char*>> wrong = {{"--unknown"},      {"--json"},
                                                       {"--seconds"},      {"--seconds", "two"},
                                                       {"--seconds", "0"}, {"--seconds", "1s"}};
  for (const auto& each : wrong) EXPECT_FALSE(parse(each)) << each.back();
}

}  // namespace
}  // namespace lodestar::bench
