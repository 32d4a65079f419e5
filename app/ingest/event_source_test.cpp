// Goal: batches are bounded by count and by bytes, and what stands before a wrong line comes out
// before its error, which then stays.
#include "ingest/event_source.hpp"

#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_folder.hpp"

namespace lodestar::app {
namespace {

class event_source_test : public testing::Test {
 protected:
  event_source_test() {
    analytics::event_definition noted{"Noted", "Desk", "note", "desk", {}, "", "events/noted.toml"};
    noted.fields = {{"text", analytics::value_type::text, true}};
    configuration_.events = {noted};
  }
  std::unique_ptr<event_source> open(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    auto opened = open_source(folder_ / name, configuration_, "");
    EXPECT_TRUE(opened) << opened.error().describe();
    return opened ? std::move(*opened) : nullptr;
  }

  test::temp_folder folder_;
  project configuration_;
};

TEST_F(event_source_test, bounds_batches_by_count_and_by_bytes) {
  const std::string text(1'000, 'x');
  std::string rows = "desk,text\n";
  for (int row = 0; row < 10; ++row) rows += fmt::format("a,{}\n", text);
  const auto source = open("notes.csv", rows);
  EXPECT_EQ(source->next(3, 1 << 20)->events.size(), 3U);
  EXPECT_EQ(source->next(100, 2'000)->events.size(), 2U);
  EXPECT_EQ(source->next(100, 1)->events.size(), 1U);
  EXPECT_EQ(source->next(100, 1 << 20)->events.size(), 4U);
  EXPECT_EQ(source->next(100, 1 << 20)->events.size(), 0U);
  EXPECT_DOUBLE_EQ(source->progress(), 1.0);
  EXPECT_EQ(source->bytes(), rows.size());
}

TEST_F(event_source_test, hands_out_what_is_right_before_the_error) {
  const auto source = open("notes.csv", "desk,text\na,1\n\nb,2\n,3\nc,4\n");
  const auto batch = source->next(100, 1 << 20);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->events.size(), 2U);
  EXPECT_THAT(batch->places.numbers, testing::ElementsAre(2, 4));
  for (int again = 0; again < 2; ++again) {
    const auto failed = source->next(100, 1 << 20);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().place, "notes.csv:5");
    EXPECT_THAT(failed.error().message, testing::HasSubstr("column desk is empty"));
  }
}

TEST_F(event_source_test, makes_ids_only_for_events_without_one) {
  const auto source =
      open("notes.ndjson", R"({"event_type":"Noted","aggregate_id":"a","payload":{"text":"x"}})"
                           "\n"
                           R"({"event_id":"own","event_type":"Noted","aggregate_id":"a",)"
                           R"("payload":{"text":"x"}})");
  const auto batch = source->next(100, 1 << 20);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->events[0].event_id.starts_with("import-"));
  EXPECT_EQ(batch->events[1].event_id, "own");
}

}  // namespace
}  // namespace lodestar::app
