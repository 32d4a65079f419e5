#include <gtest/gtest.h>

#include <set>
#include <string>

#include <lodestar/base/hash.hpp>

namespace lodestar {
namespace {

// Stored data depends on these values: they are those of XXH3 and must never change.
TEST(hash_test, is_xxh3) {
  EXPECT_EQ(hash_bytes_128("").hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash_bytes_64(""), 0x2D06800538D394C2U);
}

TEST(hash_test, hex_is_high_then_low_with_leading_zeros) {
  EXPECT_EQ((hash128{0x1, 0xABCDEF}.hex()), "00000000000000010000000000abcdef");
}

TEST(hash_test, depends_on_bytes_and_seed) {
  std::set<hash128> values;
  for (int index = 0; index < 10'000; ++index) values.insert(hash_bytes_128(std::to_string(index)));
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) values.insert(hash_bytes_128("0", seed));
  EXPECT_EQ(values.size(), 11'000U);
  EXPECT_NE(hash_bytes_64("a"), hash_bytes_64("a", 1));
  EXPECT_EQ(hash_bytes_64("a"), hash_bytes_64(std::string("a")));
}

TEST(hash_test, is_a_key_of_standard_maps) {
  const hash128 value{1, 2};
  EXPECT_EQ(std::hash<hash128>()(value), std::hash<hash128>()(hash128{1, 2}));
  EXPECT_LT((hash128{1, 9}), (hash128{2, 0}));
}

}  // namespace
}  // namespace lodestar
