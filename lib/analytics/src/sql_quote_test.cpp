#include <gtest/gtest.h>

#include <lodestar/analytics/sql_quote.hpp>

namespace lodestar::analytics {
namespace {

TEST(sql_quote, doubles_the_quotes_inside) {
  EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_identifier(""), "\"\"");
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal("\\"), "'\\'");
}

}  // namespace
}  // namespace lodestar::analytics
