// Goal: rows of files come out as texts, in order, chunk by chunk, and the end stays the end.
#include <lodestar/analytics/row_reader.hpp>

#include <stdlib.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.hpp"

namespace lodestar::analytics {
namespace {

TEST(row_reader, reads_more_than_a_chunk_in_order) {
  auto reader = row_reader::open("SELECT i, NULL AS nothing FROM range(5000) AS t(i)", ".");
  ASSERT_TRUE(reader) << reader.error().describe();
  EXPECT_THAT((*reader)->columns(), testing::ElementsAre("i", "nothing"));
  std::size_t seen = 0;
  for (auto rows = (*reader)->next_chunk(); rows && *rows > 0; rows = (*reader)->next_chunk()) {
    for (std::size_t row = 0; row < *rows; ++row, ++seen) {
      ASSERT_EQ((*reader)->at(row, 0), std::to_string(seen));
      ASSERT_EQ((*reader)->at(row, 1), std::nullopt);
    }
  }
  EXPECT_EQ(seen, 5000U);
}

TEST(row_reader, stays_at_the_end) {
  auto reader = row_reader::open("SELECT 'a' AS text;", ".");
  ASSERT_TRUE(reader) << reader.error().describe();
  EXPECT_EQ((*reader)->next_chunk(), 1U);
  EXPECT_EQ((*reader)->next_chunk(), 0U);
  EXPECT_EQ((*reader)->next_chunk(), 0U);
}

TEST(row_reader, file_names_start_at_the_folder) {
  const test::temp_folder folder;
  std::ofstream(folder / "orders.csv") << "shop,placed\nBerlin,2026-11-20 10:00:00\n";
  auto reader = row_reader::open("SELECT * FROM read_csv('orders.csv')", folder.path());
  ASSERT_TRUE(reader) << reader.error().describe();
  EXPECT_EQ((*reader)->next_chunk(), 1U);
  EXPECT_EQ((*reader)->at(0, 0), "Berlin");
  EXPECT_EQ((*reader)->at(0, 1), "2026-11-20 10:00:00");
}

TEST(row_reader, says_what_is_wrong) {
  EXPECT_FALSE(row_reader::open("SELECT * FROM read_csv('missing.csv')", "."));
  EXPECT_FALSE(row_reader::open("SELEC 1", "."));
  auto reader =
      row_reader::open("SELECT CAST(v AS INTEGER) FROM (VALUES ('1'), ('x')) AS t(v)", ".");
  EXPECT_TRUE(!reader || !(*reader)->next_chunk());
}

TEST(row_reader, says_why_a_select_cannot_begin) {
  const auto reader = row_reader::open("SELECT $1::INTEGER", ".");
  ASSERT_FALSE(reader);
  EXPECT_THAT(reader.error().message, testing::HasSubstr("parameters"));
}

TEST(row_reader, a_timestamp_with_time_zone_is_read_in_utc_wherever_the_machine_stands) {
  setenv("TZ", "Europe/Berlin", 1);
  auto reader = row_reader::open(
      "SELECT t, t::TIMESTAMP, current_setting('TimeZone') FROM "
      "(SELECT TIMESTAMPTZ '2001-06-30 12:00:00+00' AS t)",
      ".");
  unsetenv("TZ");
  ASSERT_TRUE(reader) << reader.error().describe();
  ASSERT_EQ((*reader)->next_chunk(), 1U);
  EXPECT_EQ((*reader)->at(0, 0), "2001-06-30 12:00:00+00");
  EXPECT_EQ((*reader)->at(0, 1), "2001-06-30 12:00:00");
  EXPECT_EQ((*reader)->at(0, 2), "UTC");
}

}  // namespace
}  // namespace lodestar::analytics
