// Goal: a row's texts become the values of their types without a change, or the row is refused.
#include "ingest/row_mapper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestar::app {
namespace {

using analytics::value_type;
using testing::HasSubstr;

class row_mapper_test : public testing::Test {
 protected:
  static analytics::event_definition definition() {
    analytics::event_definition made{"Measured", "Sensor", "reading", "sensor", {}, "", "m.toml"};
    made.fields = {{"value", value_type::integer, true},
                   {"ratio", value_type::number, false},
                   {"ok", value_type::boolean, false},
                   {"note", value_type::text, false},
                   {"at", value_type::timestamp, false}};
    return made;
  }
  result<log::new_event> read(const std::vector<std::string>& columns,
                              const std::vector<row_cell>& cells) {
    auto mapper = row_mapper::make(definitions_.front(), columns);
    if (!mapper) return std::unexpected(mapper.error());
    return mapper->event_of(cells, reader_);
  }
  std::string payload_of(const std::string& column, row_cell cell) {
    const auto made = read({"sensor", "value", column}, {"a", "1", cell});
    return made ? made->payload : made.error().describe();
  }
  /// The payload's value, or what is wrong.
  std::string value_of(row_cell cell) {
    const auto made = read({"value", "sensor"}, {cell, "a"});
    return made ? made->payload : made.error().describe();
  }

  std::vector<analytics::event_definition> definitions_{definition()};
  manual_clock clock_;
  seeded_random random_{1};
  event_reader reader_{definitions_, clock_, random_};
};

TEST_F(row_mapper_test, keeps_values) {
  EXPECT_EQ(payload_of("note", "1.10"), R"({"value":1,"note":"1.10"})");
  EXPECT_EQ(payload_of("note", "TRUE"), R"({"value":1,"note":"TRUE"})");
  EXPECT_EQ(payload_of("note", "007"), R"({"value":1,"note":"007"})");
  EXPECT_EQ(payload_of("note", "\"},\n"), R"({"value":1,"note":"\"},\n"})");
  EXPECT_EQ(payload_of("note", ""), R"({"value":1,"note":""})");
  EXPECT_EQ(payload_of("note", std::nullopt), R"({"value":1,"note":null})");
  EXPECT_EQ(payload_of("ratio", "-0.5e1"), R"({"value":1,"ratio":-5.0})");
  EXPECT_EQ(payload_of("ratio", ""), R"({"value":1,"ratio":null})");
  EXPECT_EQ(payload_of("ok", "TRUE"), R"({"value":1,"ok":true})");
  EXPECT_EQ(payload_of("at", "2001-06-30 12:34:00"), R"({"value":1,"at":"2001-06-30 12:34:00"})");
  EXPECT_EQ(value_of("-9223372036854775808"), R"({"value":-9223372036854775808})");
  EXPECT_EQ(value_of("5.00"), R"({"value":5})");
}

TEST_F(row_mapper_test, refuses_what_post_refuses) {
  for (const char* text : {"5.5", "007", "+5", " 5", "5 ", "1e3", "0x1", "five", "-",
                           "1,\"ok\":true", "9223372036854775808"}) {
    EXPECT_THAT(value_of(text), HasSubstr("payload.value: must be an integer of 64 bits")) << text;
  }
  EXPECT_THAT(value_of(std::nullopt), HasSubstr("payload.value: must be an integer"));
  for (const char* text : {"nan", "inf", ".5", "5.", "1,5"})
    EXPECT_THAT(payload_of("ratio", text), HasSubstr("payload.ratio: must be a number")) << text;
  for (const char* text : {"1", "t", "yes"})
    EXPECT_THAT(payload_of("ok", text), HasSubstr("payload.ok: must be true or false")) << text;
  EXPECT_THAT(payload_of("at", "30/06/2001"), HasSubstr("payload.at: must be a timestamp"));
  EXPECT_THAT(payload_of("note", "\xff"), HasSubstr("payload.note: is not valid UTF-8"));
  EXPECT_THAT(read({"sensor", "value"}, {std::nullopt, "1"}).error().message,
              HasSubstr("column sensor is empty"));
}

TEST_F(row_mapper_test, takes_the_id_of_a_column) {
  EXPECT_EQ(read({"event_id", "sensor", "value"}, {"e-1", "a", "1"})->event_id, "e-1");
  EXPECT_EQ(read({"event_id", "sensor", "value"}, {std::nullopt, "a", "1"})->event_id, "");
}

TEST_F(row_mapper_test, refuses_columns_that_are_unknown_missing_or_twice) {
  const auto refusal = [&](const std::vector<std::string>& columns) {
    return row_mapper::make(definitions_.front(), columns).error().describe();
  };
  EXPECT_THAT(refusal({"sensor", "value", "nite"}),
              HasSubstr("unknown column nite of Measured (hint: did you mean \"note\"?)"));
  EXPECT_THAT(refusal({"sensor", "note"}), HasSubstr("has no column value"));
  EXPECT_THAT(refusal({"value"}), HasSubstr("has no column sensor"));
  EXPECT_THAT(refusal({"sensor", "value", "value"}), HasSubstr("column value is given twice"));
}

}  // namespace
}  // namespace lodestar::app
