// Goal: a file's events get the same ids again whatever else of the file changed, and no two events
// share one.
#include "ingest/import_ids.hpp"

#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestar::app {
namespace {

log::new_event event_of(const std::string& aggregate_id, const std::string& payload) {
  log::new_event made;
  made.event_type = "Measured";
  made.aggregate_type = "Sensor";
  made.aggregate_id = aggregate_id;
  made.payload = payload;
  return made;
}

std::vector<std::string> ids_of(const std::string& file, const std::vector<std::string>& payloads) {
  import_ids ids(file);
  std::vector<std::string> made;
  for (const auto& payload : payloads) made.push_back(ids.next(event_of("a", payload)));
  return made;
}

TEST(import_ids, are_the_same_again) {
  const auto first = ids_of("a.csv", {"1", "2", "1"});
  EXPECT_EQ(ids_of("a.csv", {"1", "2", "1"}), first);
  EXPECT_TRUE(first[0].starts_with("import-"));
  EXPECT_EQ(std::set<std::string>(first.begin(), first.end()).size(), 3U);
}

TEST(import_ids, stay_when_lines_are_added_corrected_or_removed) {
  const auto first = ids_of("a.csv", {"1", "2", "1", "3"});
  EXPECT_THAT(ids_of("a.csv", {"new", "1", "2", "1", "3"}), testing::IsSupersetOf(first));
  EXPECT_THAT(ids_of("a.csv", {"1", "corrected", "1", "3"}),
              testing::IsSupersetOf({first[0], first[2], first[3]}));
  EXPECT_THAT(first, testing::IsSupersetOf(ids_of("a.csv", {"1", "1", "3"})));
}

TEST(import_ids, of_other_files_and_other_content_are_others) {
  EXPECT_NE(ids_of("a.csv", {"1"}), ids_of("b.csv", {"1"}));
  std::set<std::string> seen;
  std::vector<log::new_event> events(6, event_of("a", "{}"));
  events[1].aggregate_id = "b";
  events[2].event_type = "Other";
  events[3].metadata = R"({"a":1})";
  events[4].schema_version = 2;
  events[5].aggregate_id = "a,2:{}";
  for (const auto& event : events) seen.insert(import_ids("a.csv").next(event));
  EXPECT_EQ(seen.size(), events.size());
}

TEST(import_ids, count_many_contents_right) {
  std::vector<std::string> payloads;
  for (int round = 0; round < 3; ++round) {
    for (int number = 0; number < 20'000; ++number) payloads.push_back(fmt::format("{}", number));
  }
  const auto ids = ids_of("a.csv", payloads);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), payloads.size());
  EXPECT_THAT(ids_of("a.csv", {"19999", "19999", "19999"}),
              testing::ElementsAre(ids[19'999], ids[39'999], ids[59'999]));
}

}  // namespace
}  // namespace lodestar::app
