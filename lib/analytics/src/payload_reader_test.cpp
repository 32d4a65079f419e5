// Goal: a payload becomes typed values or a reason, and nothing that is written in it does harm.
#include <gtest/gtest.h>

#include <lodestar/analytics/timestamp.hpp>

#include "payload_reader.hpp"

namespace lodestar::analytics {
namespace {

class payload_reading : public ::testing::Test {
 protected:
  result<void> read(std::string payload, const std::vector<field>& fields) {
    log::event event;
    event.aggregate_id = "ATL";
    event.payload = std::move(payload);
    return reader_.read(event, fields, values_);
  }
  payload_reader reader_;
  std::vector<cell> values_;
};

TEST_F(payload_reading, reads_every_type) {
  const std::vector<field> fields{
      {"b", value_type::boolean, true},    {"i", value_type::integer, true},
      {"n", value_type::number, true},     {"t", value_type::text, true},
      {"at", value_type::timestamp, true}, {"d", value_type::date, true}};
  ASSERT_TRUE(read(
      R"({"d":"1970-01-02","at":"1970-01-01T00:00:01Z","t":"é\n","n":3,"i":-7,"b":true,"more":[1]})",
      fields));
  EXPECT_EQ(values_, (std::vector<cell>{true, std::int64_t{-7}, 3.0, std::string_view("é\n"),
                                        std::int64_t{1'000'000}, std::int64_t{1}}));
}

TEST_F(payload_reading, takes_whole_numbers_as_integers) {
  const std::vector<field> fields{{"i", value_type::integer, true}};
  ASSERT_TRUE(read(R"({"i":3.0})", fields));
  EXPECT_EQ(values_[0], cell(std::int64_t{3}));
  for (const char* payload : {R"({"i":3.5})", R"({"i":1e300})", R"({"i":18446744073709551615})",
                              R"({"i":"3"})", R"({"i":true})"}) {
    EXPECT_FALSE(read(payload, fields)) << payload;
  }
}

TEST_F(payload_reading, lets_optional_fields_be_absent_or_null) {
  const std::vector<field> fields{{"a", value_type::integer, false},
                                  {"b", value_type::text, false}};
  ASSERT_TRUE(read(R"({"a":null})", fields));
  EXPECT_EQ(values_, (std::vector<cell>(2)));
  EXPECT_FALSE(read(R"({"a":"x"})", fields)) << "present but wrong is not absent";
}

TEST_F(payload_reading, gives_the_reason_when_it_does_not_fit) {
  const std::vector<field> fields{{"i", value_type::integer, true}};
  EXPECT_EQ(read("{}", fields).error().message, "the field 'i' is missing");
  EXPECT_EQ(read(R"({"i":null})", fields).error().place, "payload.i");
  for (const char* payload :
       {"", "{", "[]", "null", "\"\"", "{\"i\":1}{", "\xff", "{\"i\":\"\xff\"}", "\0"})
    EXPECT_FALSE(read(payload, fields)) << payload;
  EXPECT_FALSE(read(std::string(100'000, '['), fields));
}

TEST_F(payload_reading, refuses_an_aggregate_id_that_is_not_text) {
  log::event event{};
  event.aggregate_id.assign(1, '\xff');
  event.payload.assign("{}");
  EXPECT_FALSE(reader_.read(event, {}, values_));
}

}  // namespace
}  // namespace lodestar::analytics
