// Goal: rows of files come out as texts, in order, chunk by chunk, and the end stays the end.
#include <lodestar/analytics/row_reader.hpp>

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

}  // namespace
}  // namespace lodestar::analytics
