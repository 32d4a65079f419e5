// Goal: what is wrong with an event is refused with its index and field, and what is right is kept
// exactly.
#include "ingest/event_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestar::app {
namespace {

using analytics::value_type;
using testing::HasSubstr;

std::vector<analytics::event_definition> definitions() {
  analytics::event_definition flight{"FlightDeparted",    "Airport", "flight", "origin", {}, "",
                                     "events/flight.toml"};
  flight.fields = {{"date", value_type::timestamp, true}, {"delay", value_type::integer, true},
                   {"ratio", value_type::number, false},  {"cancelled", value_type::boolean, false},
                   {"day", value_type::date, false},      {"destination", value_type::text, false}};
  return {flight};
}

constexpr const char* right_payload = R"({"date":"2001-06-30T12:34:00Z","delay":5})";

class event_reader_test : public testing::Test {
 protected:
  result<std::vector<log::new_event>> read(const std::string& text,
                                           event_format format = event_format::json) {
    return reader_.read(text, format);
  }
  /// An event whose payload is this text.
  static std::string event_with(const std::string& payload) {
    return fmt::format(R"({{"event_type":"FlightDeparted","aggregate_id":"ATL","payload":{}}})",
                       payload);
  }
  static std::string array_of(const std::vector<std::string>& events) {
    return fmt::format("[{}]", fmt::join(events, ","));
  }
  void expect_refused(const std::string& text, const std::string& place,
                      const std::string& message) {
    const auto outcome = read(text);
    ASSERT_FALSE(outcome) << text;
    EXPECT_THAT(outcome.error().place, HasSubstr(place));
    EXPECT_THAT(outcome.error().describe(), HasSubstr(message));
    EXPECT_EQ(outcome.error().code, error_code::invalid_argument);
  }

  std::vector<analytics::event_definition> definitions_ = definitions();
  manual_clock clock_;
  seeded_random random_{1};
  event_reader reader_{definitions_, clock_, random_};
};

TEST_F(event_reader_test, reads_one_event_with_defaults) {
  const auto batch = read(event_with(right_payload));
  ASSERT_TRUE(batch) << batch.error().describe();
  ASSERT_EQ(batch->size(), 1U);
  const auto& event = batch->front();
  EXPECT_EQ(event.event_id.size(), 36U);
  EXPECT_EQ(event.aggregate_type, "Airport");
  EXPECT_EQ(event.aggregate_id, "ATL");
  EXPECT_EQ(event.schema_version, 1);
  EXPECT_EQ(event.payload, right_payload);
  EXPECT_EQ(event.metadata, "{}");
  EXPECT_FALSE(event.expected_version);
}

TEST_F(event_reader_test, reads_arrays_and_lines) {
  EXPECT_EQ(read(array_of({event_with(right_payload), event_with(right_payload)}))->size(), 2U);
  EXPECT_EQ(read("[]")->size(), 0U);
  const std::string lines = event_with(right_payload) + "\n\n" + event_with(right_payload) + "\r\n";
  EXPECT_EQ(read(lines, event_format::ndjson)->size(), 2U);
  EXPECT_EQ(read(lines, event_format::detect)->size(), 2U);
  EXPECT_EQ(read("{\n" + event_with(right_payload).substr(1), event_format::detect)->size(), 1U);
}

TEST_F(event_reader_test, keeps_all_members) {
  const auto batch = read(
      R"({"event_id":"a-1","event_type":"FlightDeparted","aggregate_type":"Airport","aggregate_id":"ATL","schema_version":2,
          "payload":{"date":"2001-06-30T12:34:00+02:00","delay":-3,"ratio":0.5,"cancelled":false,"day":"2001-06-30","destination":"M\u00fcnchen"},
          "metadata":{"actor":{"name":"x"}},"expected_version":7})");
  ASSERT_TRUE(batch) << batch.error().describe();
  const auto& event = batch->front();
  EXPECT_EQ(event.event_id, "a-1");
  EXPECT_EQ(event.schema_version, 2);
  EXPECT_EQ(event.expected_version, 7);
  EXPECT_EQ(event.metadata, R"({"actor":{"name":"x"}})");
  EXPECT_THAT(event.payload, HasSubstr("München"));
}

TEST_F(event_reader_test, names_the_event_and_the_field) {
  const std::string right = event_with(right_payload);
  expect_refused(array_of({right, event_with(R"({"date":"2001-06-30T12:34:00Z","delay":"5"})")}),
                 "events[1].payload.delay", "must be an integer of 64 bits, not a text");
  expect_refused(event_with(R"({"delay":5})"), "events[0].payload", "field date is missing");
  expect_refused(event_with(R"({"date":"2001-06-30T12:34:00Z","delay":5,"dlay":1})"),
                 "events[0].payload.dlay", "did you mean \"delay\"?");
  expect_refused(event_with(R"({"date":"yesterday","delay":5})"), "events[0].payload.date",
                 "must be a timestamp like");
  expect_refused(event_with(R"({"date":"2001-06-30T12:34:00Z","delay":5,"delay":6})"),
                 "events[0].payload.delay", "is given twice");
  expect_refused(event_with(R"({"date":"2001-06-30T12:34:00Z","delay":null})"),
                 "events[0].payload.delay", "not null");
  expect_refused(event_with(R"({"date":"2001-06-30T12:34:00Z","delay":5.5})"),
                 "events[0].payload.delay", "an integer");
  expect_refused(event_with(R"({"date":"2001-06-30T12:34:00Z","delay":5,"day":"2001-02-30"})"),
                 "events[0].payload.day", "a date like");
  expect_refused(event_with("[]"), "events[0].payload", "must be an object");
}

TEST_F(event_reader_test, optional_fields_may_be_absent_or_null) {
  EXPECT_TRUE(read(event_with(R"({"date":"2001-06-30T12:34:00Z","delay":5,"ratio":null})")));
}

TEST_F(event_reader_test, refuses_wrong_envelopes) {
  expect_refused(R"({"aggregate_id":"ATL","payload":{}})", "events[0]", "event_type is missing");
  expect_refused(R"({"event_type":"FlightDeparted","payload":{}})", "events[0]",
                 "aggregate_id is missing");
  expect_refused(R"({"event_type":"FlightDeparted","aggregate_id":"A"})", "events[0]",
                 "payload is missing");
  expect_refused(R"({"event_type":"FlightDepart","aggregate_id":"A","payload":{}})",
                 "events[0].event_type", "did you mean \"FlightDeparted\"?");
  expect_refused(
      R"({"event_type":"FlightDeparted","aggregate_type":"Plane","aggregate_id":"A","payload":{}})",
      "events[0].aggregate_type", "belongs to aggregate type Airport");
  expect_refused(R"({"event_type":"FlightDeparted","aggregate_id":7,"payload":{}})",
                 "events[0].aggregate_id", "must be a text");
  expect_refused(
      R"({"event_type":"FlightDeparted","aggregate_id":"A","payload":{},"expected_version":-1})",
      "events[0].expected_version", "0 or more");
  expect_refused(R"({"event_type":"FlightDeparted","aggregate_id":"A","payload":{},"what":1})",
                 "events[0].what", "unknown member");
  expect_refused("[1]", "events[0]", "must be an object");
}

TEST_F(event_reader_test, refuses_what_is_not_json) {
  expect_refused("", "body", "holds no event");
  expect_refused("{", "body", "is not valid JSON");
  expect_refused("{\"a\":\"\xff\"}", "body", "is not valid UTF-8");
  const auto lines = read(event_with(right_payload) + "\n{", event_format::ndjson);
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().place, "events[1] (line 2)");
}

TEST_F(event_reader_test, detects_lines_by_the_first_one_only) {
  // Over several lines, and wrong: the error is that of the whole text, not of a line of it.
  const auto pretty = read("{\n  \"event_type\": \"FlightDeparted\",\n}", event_format::detect);
  ASSERT_FALSE(pretty);
  EXPECT_EQ(pretty.error().place, "body");
  const auto lines = read(event_with(right_payload) + "\n{", event_format::detect);
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().place, "events[1] (line 2)");
}

TEST_F(event_reader_test, too_many_events_are_too_large_in_every_format) {
  const std::string event = event_with(right_payload);
  std::string array = "[" + event, lines = event;
  for (std::size_t count = 0; count < log::batch_events_max; ++count) {
    array += ",\n" + event;
    lines += "\n" + event;
  }
  for (const auto& text : {array + "]", lines}) {
    const auto outcome = read(text, event_format::detect);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, error_code::too_large);
  }
}

TEST_F(event_reader_test, gives_ids_to_what_is_read_together_and_not_to_one) {
  EXPECT_EQ(read(event_with(right_payload) + "\n", event_format::ndjson)->front().event_id.size(),
            36U);
  EXPECT_EQ(reader_.read_one(event_with(right_payload))->event_id, "");
}

TEST_F(event_reader_test, reads_rows) {
  const auto& flight = definitions_.front();
  const auto row = reader_.read_row(
      flight, R"({"delay":5,"origin":"ATL","event_id":"e","date":"2001-06-30T12:34:00Z"})");
  ASSERT_TRUE(row) << row.error().describe();
  EXPECT_EQ(row->aggregate_id, "ATL");
  EXPECT_EQ(row->event_id, "e");
  EXPECT_EQ(row->payload, R"({"delay":5,"date":"2001-06-30T12:34:00Z"})");
  const auto refusal = [&](const char* text) {
    return reader_.read_row(flight, text).error().describe();
  };
  EXPECT_EQ(reader_.read_row(flight, R"({"date":"2001-06-30T12:34:00Z","delay":5,"origin":7})")
                ->aggregate_id,
            "7");
  EXPECT_THAT(refusal(R"({"delay":5})"), HasSubstr("origin is missing"));
  EXPECT_THAT(refusal(R"({"origin":null})"), HasSubstr("origin: must be a text, not null"));
  EXPECT_THAT(refusal(R"({"origin":"A","origin":"B"})"), HasSubstr("origin: is given twice"));
  EXPECT_THAT(refusal(R"({"origin":"A","date":"2001-06-30T12:34:00Z","delay":5.5})"),
              HasSubstr("payload.delay: must be an integer"));
  EXPECT_THAT(refusal(R"({"origin":"A","date":"2001-06-30T12:34:00Z","delay":5,"dlay":1})"),
              HasSubstr("did you mean \"delay\"?"));
  EXPECT_THAT(refusal("[]"), HasSubstr("must be an object"));
}

}  // namespace
}  // namespace lodestar::app
