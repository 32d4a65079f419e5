// Goal: case is ignored for the 26 letters and for nothing else; signed bytes do no harm.
#include <gtest/gtest.h>

#include <lodestar/base/ascii.hpp>

namespace lodestar {
namespace {

TEST(ascii_test, only_the_letters_are_lowered) {
  EXPECT_EQ(to_ascii_lower("AZ az @[`{ \xC4"), "az az @[`{ \xC4");
}

TEST(ascii_test, equal_ignoring_case_compares_whole_texts) {
  EXPECT_TRUE(equal_ignoring_case("Chunked", "cHUNKED"));
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_FALSE(equal_ignoring_case("chunked", "chunke"));
  EXPECT_FALSE(equal_ignoring_case("@", "`"));
}

TEST(ascii_test, control_characters_are_below_space_and_delete) {
  for (const char control : {'\0', '\n', '\x1f', '\x7f'}) EXPECT_TRUE(is_ascii_control(control));
  for (const char other : {' ', 'a', '~', '\x80', '\xff'}) EXPECT_FALSE(is_ascii_control(other));
}

}  // namespace
}  // namespace lodestar
