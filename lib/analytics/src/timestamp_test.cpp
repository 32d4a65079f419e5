// Goal: what RFC 3339 allows is read exactly, everything else is refused, and what is written is
// read back as it was.
#include <gtest/gtest.h>

#include <limits>

#include <lodestar/analytics/timestamp.hpp>

namespace lodestar::analytics {
namespace {

constexpr std::int64_t noon_us = 993'904'440'000'000;  // 2001-06-30T12:34:00Z

TEST(timestamp, reads_what_rfc_3339_allows) {
  EXPECT_EQ(parse_timestamp_us("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_timestamp_us("2001-06-30T12:34:00Z"), noon_us);
  EXPECT_EQ(parse_timestamp_us("2001-06-30t12:34:00z"), noon_us);
  EXPECT_EQ(parse_timestamp_us("2001-06-30 12:34:00"), noon_us);
  EXPECT_EQ(parse_timestamp_us("2001-06-30T14:34:00+02:00"), noon_us);
  EXPECT_EQ(parse_timestamp_us("2001-06-30T07:04:00-05:30"), noon_us);
  EXPECT_EQ(parse_timestamp_us("2001-06-30T12:34:00.5Z"), noon_us + 500'000);
  EXPECT_EQ(parse_timestamp_us("2001-06-30T12:34:00.123456789Z"), noon_us + 123'456);
  EXPECT_EQ(parse_timestamp_us("1969-12-31T23:59:59.999999Z"), -1);
  EXPECT_EQ(parse_timestamp_us("2016-12-31T23:59:60Z"), parse_timestamp_us("2017-01-01T00:00:00Z"));
  EXPECT_EQ(parse_timestamp_us("2000-02-29T00:00:00Z").has_value(), true);
}

TEST(timestamp, refuses_everything_else) {
  for (const char* text : {"",
                           "2001",
                           "2001-06-30",
                           "2001-06-30T12:34Z",
                           "2001-6-30T12:34:00Z",
                           "2001-06-31T00:00:00Z",
                           "2001-02-29T00:00:00Z",
                           "2001-13-01T00:00:00Z",
                           "2001-00-01T00:00:00Z",
                           "2001-06-30T24:00:00Z",
                           "2001-06-30T12:60:00Z",
                           "2001-06-30T12:34:61Z",
                           "2001-06-30T12:34:00.Z",
                           "2001-06-30T12:34:00.1234567890Z",
                           "2001-06-30T12:34:00+0200",
                           "2001-06-30T12:34:00+24:00",
                           "2001-06-30T12:34:00ZZ",
                           " 2001-06-30T12:34:00Z",
                           "2001-06-30T12:34:00Z ",
                           "+2001-06-30T12:34:00Z",
                           "20010-06-30T12:34:00Z"}) {
    EXPECT_EQ(parse_timestamp_us(text), std::nullopt) << text;
  }
  for (const char* text : {"", "2001-06-3", "2001-06-31", "2001-06-30T", "-001-06-30"})
    EXPECT_EQ(parse_date_days(text), std::nullopt) << text;
}

TEST(timestamp, writes_what_it_reads) {
  EXPECT_EQ(format_timestamp_us(noon_us), "2001-06-30T12:34:00Z");
  EXPECT_EQ(format_timestamp_us(noon_us + 1), "2001-06-30T12:34:00.000001Z");
  EXPECT_EQ(format_timestamp_us(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_date_days(0), "1970-01-01");
  EXPECT_EQ(format_date_days(parse_date_days("0000-03-01").value()), "0000-03-01");
  for (std::int64_t days = -719'528; days < 2'932'897; days += 97) {
    ASSERT_EQ(parse_date_days(format_date_days(days)), days);
    const auto moment_us = days * 86'400'000'000 + days % 86'400'000'000;
    if (days > -719'000) {
      ASSERT_EQ(parse_timestamp_us(format_timestamp_us(moment_us)), moment_us);
    }
  }
}

TEST(timestamp, writes_years_beyond_four_digits) {
  EXPECT_EQ(format_date_days(2'932'897), "+10000-01-01");
  EXPECT_EQ(format_date_days(-719'529), "-0001-12-31");
  EXPECT_FALSE(format_timestamp_us(std::numeric_limits<std::int64_t>::min()).empty());
  EXPECT_FALSE(format_timestamp_us(std::numeric_limits<std::int64_t>::max()).empty());
}

}  // namespace
}  // namespace lodestar::analytics
