// Goal: numbers are shown as the contract with the page says, and templates fill in what they name.
#include "dashboard/format.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace lodestar::app {
namespace {

using analytics::cell;
using analytics::value_type;

std::string shown(const cell& value, value_type type, value_format format = value_format::by_type,
                  std::string_view unit = "") {
  return show(value, type, format, unit).joined();
}

TEST(format, follows_the_type_and_the_format) {
  EXPECT_EQ(shown(cell(std::int64_t{1234567}), value_type::integer), "1,234,567");
  EXPECT_EQ(shown(cell(std::int64_t{-1234}), value_type::integer), "−1,234");
  EXPECT_EQ(shown(cell(std::int64_t{999}), value_type::integer), "999");
  EXPECT_EQ(shown(cell(12.34), value_type::number), "12.3");
  EXPECT_EQ(shown(cell(-0.01), value_type::number), "0.0");
  EXPECT_EQ(shown(cell(0.8114), value_type::number, value_format::percent), "81.1\xC2\xA0%");
  EXPECT_EQ(shown(cell(8.72), value_type::number, value_format::minutes), "8.7\xC2\xA0min");
  EXPECT_EQ(shown(cell(2.5), value_type::number, value_format::integer), "3");
  EXPECT_EQ(shown(cell(std::int64_t{760}), value_type::integer, value_format::integer, "mi"),
            "760\xC2\xA0mi");
  EXPECT_EQ(shown(cell(std::int64_t{9'007'199'254'740'993}), value_type::integer),
            "9,007,199,254,740,993");
  EXPECT_EQ(shown(cell(true), value_type::boolean), "yes");
  EXPECT_EQ(shown(cell(), value_type::number, value_format::percent), "–");
  EXPECT_EQ(shown(cell(std::numeric_limits<double>::quiet_NaN()), value_type::number), "–");
  EXPECT_EQ(shown(cell(std::string_view("a<b")), value_type::text), "a<b");
}

TEST(format, rounds_half_away_from_zero) {
  EXPECT_EQ(shown(cell(0.25), value_type::number), "0.3");
  EXPECT_EQ(shown(cell(0.75), value_type::number), "0.8");
  EXPECT_EQ(shown(cell(-0.25), value_type::number), "−0.3");
  EXPECT_EQ(shown(cell(2.25), value_type::number), "2.3");
  EXPECT_EQ(shown(cell(0.2), value_type::number), "0.2");
  EXPECT_EQ(shown(cell(0.5), value_type::number), "0.5");
}

TEST(format, shows_times_in_utc) {
  const cell value(std::int64_t{992'786'700'000'000});  // 2001-06-17T14:05:00Z
  EXPECT_EQ(shown(value, value_type::timestamp), "2001-06-17 14:05");
  EXPECT_EQ(shown(value, value_type::timestamp, value_format::date), "2001-06-17");
  EXPECT_EQ(shown(value, value_type::timestamp, value_format::time), "14:05");
}

TEST(format, json_holds_what_charts_can_read) {
  std::string out;
  append_json(out, cell(std::numeric_limits<double>::infinity()), value_type::number);
  append_json(out, cell(std::string_view("\"</script>")), value_type::text);
  append_json(out, cell(std::int64_t{0}), value_type::timestamp);
  append_json(out, cell(true), value_type::boolean);
  EXPECT_EQ(out, R"(null"\"</script>""1970-01-01T00:00:00Z"true)");
  out.clear();
  append_json(out, cell(1'234'567.89), value_type::number);
  EXPECT_EQ(out, "1234567.89");
}

TEST(format, names_are_written_for_addresses_and_headings) {
  EXPECT_EQ(percent_encode("a b/ü"), "a%20b%2F%C3%BC");
  EXPECT_EQ(title_of_column("mean_delay"), "Mean delay");
}

}  // namespace
}  // namespace lodestar::app
