// Goal: a slip of the finger finds the name that was meant, and another word finds none.
#include <gtest/gtest.h>

#include <lodestar/base/nearest.hpp>

namespace lodestar {
namespace {

TEST(nearest_test, finds_inserted_missing_and_replaced_letters) {
  EXPECT_EQ(nearest("totl", {"latest", "total"}), "total");
  EXPECT_EQ(nearest("totaal", {"latest", "total"}), "total");
  EXPECT_EQ(nearest("tofal", {"latest", "total"}), "total");
  EXPECT_EQ(nearest("total", {"totals", "total"}), "total");
}

TEST(nearest_test, a_longer_word_may_hold_more_mistakes) {
  EXPECT_EQ(nearest("abc", {"xyz"}), "");
  EXPECT_EQ(nearest("departuers_by_huor", {"departures_by_hour"}), "departures_by_hour");
}

TEST(nearest_test, nothing_is_near_nothing) {
  EXPECT_EQ(nearest("total", {}), "");
  EXPECT_EQ(nearest("total", {""}), "");
}

}  // namespace
}  // namespace lodestar
