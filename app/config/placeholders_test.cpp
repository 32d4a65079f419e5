// Goal: {names} are found and filled; what is no name stays, and is noticed.
#include "config/placeholders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestar::app {
namespace {

TEST(placeholders, templates_keep_what_they_do_not_know) {
  const auto value_of = [](std::string_view name) {
    return name == "a" ? std::optional<std::string>("1") : std::nullopt;
  };
  EXPECT_EQ(fill_template("x{a}y{b}z{a", value_of), "x1y{b}z{a");
}

TEST(placeholders, names_are_listed_in_order) {
  EXPECT_THAT(placeholders("/d/{b}?x={a}&y={b}"), testing::ElementsAre("b", "a", "b"));
  EXPECT_THAT(placeholders("/d/airport"), testing::IsEmpty());
}

TEST(placeholders, a_brace_without_its_partner_is_noticed) {
  for (const auto* right : {"", "x", "{a}", "{a}{b}x"})
    EXPECT_FALSE(has_stray_brace(right)) << right;
  for (const auto* wrong : {"{a", "a}", "{a}}", "x{", "{a}{b"})
    EXPECT_TRUE(has_stray_brace(wrong)) << wrong;
}

}  // namespace
}  // namespace lodestar::app
