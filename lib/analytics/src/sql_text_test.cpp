// Goal: names are found where SQL has names, and not in literals and comments.
#include <gtest/gtest.h>

#include "sql_text.hpp"

namespace lodestar::analytics {
namespace {

std::string joined(std::string_view sql) {
  std::string text;
  for (const auto& token : sql_tokens(sql)) text.append(text.empty() ? "" : "|").append(token.text);
  return text;
}

TEST(sql_text, splits_into_tokens) {
  EXPECT_EQ(joined("SELECT a.b FROM \"t x\""), "SELECT|a|.|b|FROM|t x");
  EXPECT_EQ(joined("-- flight\nSELECT /* a /* nested */ comment */ 1"), "SELECT|1");
  EXPECT_EQ(joined("'it''s' e'a\\'b' x"), "'it'|'s'|e'a\\'b'|x");
  EXPECT_EQ(joined("$tag$ flight; $tag$ $name"), "$tag$ flight; $tag$|name");
  EXPECT_EQ(joined("$$ a $$"), "$$ a $$");
}

TEST(sql_text, survives_what_never_ends) {
  for (const char* sql :
       {"'", "\"", "/*", "/* /*", "$", "$$", "$a$ b", "e'\\", "--", "'a\\", "/*/"})
    static_cast<void>(sql_tokens(sql));
}

TEST(sql_text, cuts_the_semicolon) {
  const std::string_view sql = "SELECT ';' -- ;\n; -- end";
  EXPECT_EQ(without_semicolon(sql, sql_tokens(sql)), "SELECT ';' -- ;\n");
}

TEST(sql_text, compares_names_without_case) {
  const auto tokens = sql_tokens("Flight 'flight' $flight");
  EXPECT_TRUE(names(tokens[0], "fLIGHT"));
  EXPECT_FALSE(names(tokens[1], "flight"));
  EXPECT_FALSE(names(tokens[2], "flight"));
}

TEST(sql_text, compares_what_literals_quote) {
  for (const char* sql : {"'Flight'", "e'flight'", "E'FLIGHT'", "$$flight$$", "$tag$flight$tag$"}) {
    const auto tokens = sql_tokens(sql);
    ASSERT_EQ(tokens.size(), 1U) << sql;
    EXPECT_TRUE(quotes(tokens[0], "flight")) << sql;
    EXPECT_FALSE(quotes(tokens[0], "fligh")) << sql;
  }
  for (const char* sql : {"flight", "\"flight\"", "$flight", "' flight'", "'", "e'", "$$", "$a$f"})
    EXPECT_FALSE(quotes(sql_tokens(sql)[0], "flight")) << sql;
}

}  // namespace
}  // namespace lodestar::analytics
