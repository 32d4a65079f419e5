// Goal: peers in other languages read exactly the keys that were drawn.
#include "cache_throughput/key_file.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/files.hpp"

namespace lodestar::bench {
namespace {

TEST(key_file, gives_back_what_was_written) {
  const temp_folder folder;
  const std::vector<std::uint64_t> keys = {0, 1, 0x0123456789ABCDEF,
                                           std::numeric_limits<std::uint64_t>::max()};
  ASSERT_TRUE(write_keys(folder.path() / "keys", keys));
  EXPECT_EQ(read_keys(folder.path() / "keys"), keys);
}

TEST(key_file, begins_with_the_lowest_byte) {
  const temp_folder folder;
  const std::vector<std::uint64_t> keys = {0x3837363534333231};
  ASSERT_TRUE(write_keys(folder.path() / "keys", keys));
  EXPECT_EQ(read_text(folder.path() / "keys"), "12345678");
}

TEST(key_file, refuses_a_file_that_was_cut_short) {
  const temp_folder folder;
  write_texts(folder.path(), {{"keys", "1234567"}});
  const auto keys = read_keys(folder.path() / "keys");
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().code, error_code::corrupt);
}

TEST(key_file, says_where_a_missing_file_should_be) {
  const auto keys = read_keys("/nowhere/keys");
  ASSERT_FALSE(keys);
  EXPECT_EQ(keys.error().place, "/nowhere/keys");
}

}  // namespace
}  // namespace lodestar::bench
