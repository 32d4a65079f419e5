// Goal: a path that reaches a handler is decoded once, is UTF-8 and cannot name anything outside
// its root.
#include "uri.hpp"

#include <gtest/gtest.h>

namespace lodestar::web {
namespace {

TEST(uri, decodes_a_path_once) {
  EXPECT_EQ(decode_path("/d/a%20b%C3%A9"), "/d/a bé");
  EXPECT_EQ(decode_path("/%252e%252e/x"), "/%2e%2e/x");
  EXPECT_EQ(decode_path("/a+b"), "/a+b");
  EXPECT_EQ(decode_path("//a///b/"), "/a/b/");
  EXPECT_EQ(decode_path("/..."), "/...");
  EXPECT_EQ(decode_path("/.hidden/a..b"), "/.hidden/a..b");
}

class traversal : public ::testing::TestWithParam<std::string_view> {};

TEST_P(traversal, is_refused) {
  const auto decoded = decode_path(GetParam());
  ASSERT_FALSE(decoded) << *decoded;
  EXPECT_EQ(decoded.error().code, error_code::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(uri, traversal,
                         ::testing::Values("/..", "/../", "/a/../b", "/a/..", "/.", "/./a",
                                           "/%2e%2e/", "/%2E%2e/a", "/.%2e/a", "/%2e./a", "/%2e",
                                           "//..//", "/a%2f..%2fb", "/a%2Fb", "/..%2f", "/a\\b",
                                           "/a%5cb", "/..\\..", "/%5c%2e%2e", "/a%00b", "/%00",
                                           "/a%0ab", "/a%0d%0ab", "/a%7f", "/%", "/%2", "/%zz",
                                           "/%c0%ae%c0%ae/", "/%c0%af", "/%e0%80%ae", "/%ff",
                                           "/%ed%a0%80", "a", "", "..", "%2e%2e/"));

TEST(uri, decodes_a_query) {
  const auto query = decode_query("a=1&b=x+y%2B&&c&d=&=e&f=a=b");
  ASSERT_TRUE(query);
  const std::vector<name_value> expected{{"a", "1"}, {"b", "x y+"}, {"c", ""},
                                         {"d", ""},  {"", "e"},     {"f", "a=b"}};
  EXPECT_EQ(*query, expected);
  EXPECT_TRUE(decode_query("")->empty());
}

TEST(uri, refuses_damaged_queries) {
  for (const auto* query : {"a=%", "a=%4", "%zz=1", "a=%00", "a=%ff", "a=%c3"}) {
    EXPECT_FALSE(decode_query(query)) << query;
  }
}

TEST(uri, limits_parameters) {
  std::string query;
  for (std::size_t i = 0; i + 1 < query_parameters_max; ++i) query += "a&";
  EXPECT_EQ(decode_query(query)->size(), query_parameters_max - 1);
  EXPECT_EQ(decode_query(query + "a")->size(), query_parameters_max);
  EXPECT_EQ(decode_query(query + "a&a").error().code, error_code::too_large);
}

TEST(uri, splits_targets) {
  const auto origin = split_target("/a?b?c");
  EXPECT_EQ(origin->path, "/a");
  EXPECT_EQ(origin->query, "b?c");
  const auto absolute = split_target("HTTP://host:80?x");
  EXPECT_EQ(absolute->authority, "host:80");
  EXPECT_EQ(absolute->path, "/");
  EXPECT_EQ(absolute->query, "x");
  EXPECT_EQ(split_target("*")->path, "/");
  for (const auto* target : {"", "a", "http://", "http:///a", "ftp://a/", "host:80", "/a#b"}) {
    EXPECT_FALSE(split_target(target)) << target;
  }
}

}  // namespace
}  // namespace lodestar::web
