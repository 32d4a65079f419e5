// Goal: a server gets every member of an event, and a refusal names the place in the file.
#include "ingest/event_sink.hpp"

#include <gtest/gtest.h>

namespace lodestar::app {
namespace {

TEST(to_ndjson, writes_every_member) {
  log::new_event event{"e-\"1\"",        "Sensor",        "a", "Measured", 2,
                       R"({"value":1})", R"({"by":"x"})", 7};
  const std::string begin =
      R"({"event_id":"e-\"1\"","aggregate_type":"Sensor","aggregate_id":"a","event_type":"Measured",)"
      R"("schema_version":2,"payload":{"value":1},"metadata":{"by":"x"})";
  EXPECT_EQ(to_ndjson({event}), begin + R"(,"expected_version":7})" + "\n");
  event.expected_version = std::nullopt;
  EXPECT_EQ(to_ndjson({event, event}), begin + "}\n" + begin + "}\n");
}

TEST(batch_places, names_events_by_their_line) {
  const batch_places places{"orders.csv:", {2, 3, 17}};
  const auto named = [&](const char* place) {
    return places.name({error_code::conflict, "", place, ""}).place;
  };
  EXPECT_EQ(named("events[2]"), "orders.csv:17");
  EXPECT_EQ(named("events[0].payload.delay"), "orders.csv:2.payload.delay");
  EXPECT_EQ(named("events[2] (line 3).payload"), "orders.csv:17.payload");
  for (const char* other : {"", "body", "events", "events[3]", "events[", "events[2", "events[x]"})
    EXPECT_EQ(named(other), other);
  EXPECT_EQ(batch_places().name({error_code::conflict, "", "events[0]", ""}).place, "events[0]");
}

}  // namespace
}  // namespace lodestar::app
