// Goal: what a client prefers is what it gets, as RFC 9110 reads its headers: order, weights,
// ranges and case.
#include <array>

#include <gtest/gtest.h>

#include <lodestar/web/negotiation.hpp>

namespace lodestar::web {
namespace {

/// The type chosen of JSON, CSV and Arrow; empty when none is.
std::string_view chosen(std::string_view accept) {
  constexpr std::array<std::string_view, 3> offered = {"application/json", "text/csv",
                                                       "application/vnd.apache.arrow.stream"};
  const auto index = preferred_media_type(accept, offered);
  return index ? offered[*index] : std::string_view();
}

TEST(negotiation_test, the_highest_weight_wins) {
  EXPECT_EQ(chosen("text/csv, application/json;q=0.1"), "text/csv");
  EXPECT_EQ(chosen("application/json;q=0.1, text/csv"), "text/csv");
  EXPECT_EQ(chosen("text/csv;q=0.5, application/json;q=0.501"), "application/json");
  EXPECT_EQ(chosen("text/csv; q=0.2 , application/json ;Q=0.1"), "text/csv");
}

TEST(negotiation_test, of_equal_weights_the_first_wins) {
  EXPECT_EQ(chosen("text/csv, application/json"), "text/csv");
  EXPECT_EQ(chosen("application/json, text/csv"), "application/json");
}

TEST(negotiation_test, ranges_stand_for_what_is_not_named_more_closely) {
  EXPECT_EQ(chosen("*/*"), "application/json");
  EXPECT_EQ(chosen("text/*"), "text/csv");
  EXPECT_EQ(chosen("*/*, text/csv"), "text/csv");
  EXPECT_EQ(chosen("application/*;q=0.3, */*;q=0.2, application/json;q=0.1"),
            "application/vnd.apache.arrow.stream");
  EXPECT_EQ(chosen("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            "application/json");
}

TEST(negotiation_test, a_weight_of_zero_refuses) {
  EXPECT_EQ(chosen("application/json;q=0, */*"), "text/csv");
  EXPECT_EQ(chosen("text/csv;q=0.000"), "");
  EXPECT_EQ(chosen("text/csv;q=high"), "");
}

TEST(negotiation_test, names_are_compared_whole_and_without_case) {
  EXPECT_EQ(chosen("Text/CSV"), "text/csv");
  EXPECT_EQ(chosen("text/csvx, xtext/csv, text"), "");
  EXPECT_EQ(chosen("text/csv;header=present"), "text/csv");
  EXPECT_EQ(chosen(""), "");
  EXPECT_EQ(chosen(" ,, ;q=1,"), "");
}

TEST(negotiation_test, etags_are_members_of_a_list) {
  for (const auto* match :
       {R"("a-json")", R"(W/"a-json")", R"("x", "a-json")", "*", R"("x",W/"a-json" )"})
    EXPECT_TRUE(etag_matches(match, R"("a-json")")) << match;
  for (const auto* other :
       {"", R"("a-js")", R"("b-"a-json")", R"("a-csv")", "a-json", R"(x"a-json")"})
    EXPECT_FALSE(etag_matches(other, R"("a-json")")) << other;
}

TEST(negotiation_test, codings_are_taken_by_name_or_star) {
  EXPECT_TRUE(accepts_coding("gzip, deflate, br", "br"));
  EXPECT_TRUE(accepts_coding("GZIP;q=0.5", "gzip"));
  EXPECT_TRUE(accepts_coding("*", "br"));
  EXPECT_FALSE(accepts_coding("", "br"));
  EXPECT_FALSE(accepts_coding("brx", "br"));
  EXPECT_FALSE(accepts_coding("br;q=0.0, *", "br"));
}

}  // namespace
}  // namespace lodestar::web
