// Goal: a server gets every member of an event, and a refusal names the place in the file.
#include "ingest/event_sink.hpp"

#include <gtest/gtest.h>

#include "ingest/http_client.hpp"

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

TEST(http_client, knows_what_is_a_server_address) {
  for (const char* url : {"http://127.0.0.1:8080", "http://[::1]:8080/", "http://localhost:1"})
    EXPECT_TRUE(http_client::make(url)) << url;
  for (const char* url : {"", "127.0.0.1:8080", "https://a:1", "http://a", "http://:1", "http://a:",
                          "http://a:x", "http://a:0", "http://a:65536", "http://a:1/path",
                          "http://[::1]", "http://::1:80", "http://[1.2.3.4]:80", "http://u@a:1"})
    EXPECT_FALSE(http_client::make(url)) << url;
}

}  // namespace
}  // namespace lodestar::app
