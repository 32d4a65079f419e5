// Goal: exactly the texts of RFC 3629 are valid, wherever in the text the fault stands.
#include <gtest/gtest.h>

#include <string>

#include <lodestar/base/utf8.hpp>

namespace lodestar {
namespace {

TEST(utf8_test, every_code_point_is_known_by_its_length) {
  EXPECT_EQ(utf8_sequence_bytes("a"), 1U);
  EXPECT_EQ(utf8_sequence_bytes("\xC3\xBC"), 2U);
  EXPECT_EQ(utf8_sequence_bytes("\xE2\x82\xAC"), 3U);
  EXPECT_EQ(utf8_sequence_bytes("\xF0\x9F\x9B\xAB"), 4U);
}

TEST(utf8_test, a_fault_is_found_at_every_place) {
  const std::string wrong[] = {"\x80",
                               "\xC0\xAF",
                               "\xC3",
                               "\xED\xA0\x80",
                               "\xE2\x82",
                               "\xF4\x90\x80\x80",
                               "\xF0\x80\x80\x80",
                               "\xFF",
                               "\xC3(",
                               "\xE0\x80\x80"};
  // Around the words of eight bytes that are looked at together.
  for (std::size_t before = 0; before < 20; ++before) {
    for (std::size_t after = 0; after < 20; ++after) {
      const std::string front(before, 'a'), back(after, 'b');
      EXPECT_TRUE(is_valid_utf8(front + "\xE2\x82\xAC" + back));
      for (const auto& fault : wrong)
        EXPECT_FALSE(is_valid_utf8(front + fault + back)) << before << " " << after;
    }
  }
  EXPECT_TRUE(is_valid_utf8(""));
}

}  // namespace
}  // namespace lodestar
