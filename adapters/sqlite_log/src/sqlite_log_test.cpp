// The contract of the log's port, checked against this adapter: what append answers, what read
// returns, what survives.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <latch>

#include "test_log.hpp"

namespace lodestar::sqlite_log {
namespace {

using log::appended;

class append_test : public test_log {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { expect_valid(); }
};

TEST_F(append_test, empty_log) {
  EXPECT_EQ(log->last_position(), 0);
  EXPECT_TRUE(read().empty());
  EXPECT_EQ(log->stream_version("Airport", "ATL"), 0);
  EXPECT_TRUE(append({})->empty());
}

TEST_F(append_test, stores_every_field) {
  auto event = make_event("e1");
  event.schema_version = 7;
  event.payload = "{\"ü\":\"\\u0000\"}";
  event.metadata = R"({"actor":"bob"})";
  time.set_wall_us(1234567);
  EXPECT_EQ(append_one(event), (std::vector<appended>{{1, 1, false}}));
  const auto stored = read();
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].at, 1);
  EXPECT_EQ(stored[0].stream_version, 1);
  EXPECT_EQ(stored[0].recorded_at_us, 1234567);
  EXPECT_EQ(stored[0].event_id, "e1");
  EXPECT_EQ(stored[0].aggregate_type, "Airport");
  EXPECT_EQ(stored[0].aggregate_id, "ATL");
  EXPECT_EQ(stored[0].event_type, "FlightDeparted");
  EXPECT_EQ(stored[0].schema_version, 7);
  EXPECT_EQ(stored[0].payload, event.payload);
  EXPECT_EQ(stored[0].metadata, event.metadata);
}

TEST_F(append_test, positions_and_versions_go_on) {
  EXPECT_EQ(append(make_batch("a", 2, "ATL")),
            (std::vector<appended>{{1, 1, false}, {2, 2, false}}));
  EXPECT_EQ(append(make_batch("b", 2, "JFK")),
            (std::vector<appended>{{3, 1, false}, {4, 2, false}}));
  EXPECT_EQ(append(make_batch("c", 1, "ATL")), (std::vector<appended>{{5, 3, false}}));
  EXPECT_EQ(log->last_position(), 5);
  EXPECT_EQ(log->stream_version("Airport", "ATL"), 3);
  EXPECT_EQ(log->stream_version("Airport", "JFK"), 2);
}

TEST_F(append_test, the_same_event_again_is_answered_with_its_first_place) {
  ASSERT_TRUE(append(make_batch("a", 3)).has_value());
  EXPECT_EQ(append_one(make_event("a1")), (std::vector<appended>{{2, 2, true}}));
  EXPECT_EQ(log->last_position(), 3);
}

TEST_F(append_test, a_repeat_with_its_old_expected_version_is_no_conflict) {
  auto event = make_event("a");
  event.expected_version = 0;
  ASSERT_TRUE(append_one(event).has_value());
  ASSERT_TRUE(append_one(make_event("b")).has_value());
  EXPECT_EQ(append_one(event), (std::vector<appended>{{1, 1, true}}));
}

TEST_F(append_test, a_batch_may_mix_new_events_and_repeats) {
  ASSERT_TRUE(append_one(make_event("a")).has_value());
  EXPECT_EQ(append({make_event("b"), make_event("a"), make_event("c")}),
            (std::vector<appended>{{2, 2, false}, {1, 1, true}, {3, 3, false}}));
}

TEST_F(append_test, the_same_event_twice_in_one_batch_is_stored_once) {
  EXPECT_EQ(append({make_event("a"), make_event("a")}),
            (std::vector<appended>{{1, 1, false}, {1, 1, true}}));
}

TEST_F(append_test, the_same_id_with_any_other_content_is_refused) {
  const auto first = make_event("a");
  ASSERT_TRUE(append_one(first).has_value());
  std::vector<log::new_event> others(6, first);
  others[0].aggregate_type = "Runway";
  others[1].aggregate_id = "JFK";
  others[2].event_type = "FlightArrived";
  others[3].schema_version = 2;
  others[4].payload = "{}";
  others[5].metadata = R"({"a":1})";
  for (const auto& other : others) {
    const auto answer = append({make_event("new"), other});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, error_code::already_exists);
    EXPECT_EQ(answer.error().place, "events[1]");
    EXPECT_THAT(answer.error().message, testing::HasSubstr("position 1"));
  }
  EXPECT_EQ(log->last_position(), 1);
}

TEST_F(append_test, other_content_under_one_id_within_a_batch_is_refused) {
  auto other = make_event("a");
  other.payload = "{}";
  const auto answer = append({make_event("a"), other});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, error_code::already_exists);
  EXPECT_EQ(answer.error().place, "events[1]");
  EXPECT_EQ(log->last_position(), 0);
}

TEST_F(append_test, expected_version_decides) {
  auto event = make_event("a");
  event.expected_version = 1;
  auto answer = append_one(event);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, error_code::conflict);
  EXPECT_EQ(answer.error().message, "stream Airport/ATL has version 0, expected was 1");
  EXPECT_EQ(answer.error().place, "events[0]");
  event.expected_version = 0;
  EXPECT_TRUE(append_one(event).has_value());
}

TEST_F(append_test, expected_versions_count_what_the_batch_took) {
  auto batch = make_batch("a", 3);
  for (std::size_t index = 0; index < batch.size(); ++index) {
    batch[index].expected_version = static_cast<log::version>(index);
  }
  EXPECT_TRUE(append(batch).has_value());
}

TEST_F(append_test, a_refused_batch_leaves_nothing) {
  auto batch = make_batch("a", 3);
  batch[2].expected_version = 9;
  const auto answer = append(batch);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().place, "events[2]");
  EXPECT_EQ(log->last_position(), 0);
  EXPECT_EQ(log->stream_version("Airport", "ATL"), 0);
  EXPECT_EQ(append(make_batch("a", 3)),
            (std::vector<appended>{{1, 1, false}, {2, 2, false}, {3, 3, false}}));
}

// One slow callback makes the appends behind it share a transaction; a refused one among them must
// not touch the rest.
TEST_F(append_test, a_refused_batch_does_not_touch_the_others_of_its_commit) {
  std::latch blocked(1), refused(1), stored(2);
  log->append(make_batch("first", 1), [&](auto) { blocked.wait(); });
  const auto expect_stored = [&](const auto& answer) {
    EXPECT_TRUE(answer.has_value());
    stored.count_down();
  };
  auto wrong = make_batch("wrong", 5);
  wrong[4].expected_version = 99;
  log->append(make_batch("before", 5), expect_stored);
  log->append(wrong, [&](const auto& answer) {
    EXPECT_FALSE(answer.has_value());
    refused.count_down();
  });
  log->append(make_batch("after", 5), expect_stored);
  blocked.count_down();
  stored.wait();
  refused.wait();
  EXPECT_EQ(log->last_position(), 11);
  EXPECT_EQ(log->stream_version("Airport", "ATL"), 11);
}

// The same with every second batch refused half-way, alone in its commit or not.
TEST_F(append_test, many_refused_batches_in_one_commit) {
  constexpr int batches = 60;
  std::latch reached(1), blocked(1), answered(batches);
  log->append(make_batch("first", 1), [&](auto) {
    reached.count_down();
    blocked.wait();
  });
  reached.wait();
  std::vector<log::position> positions;
  for (int index = 0; index < batches; ++index) {
    auto batch = make_batch(fmt::format("{}-", index), 3, fmt::format("S{}", index % 4));
    const bool wrong = index % 2 == 1;
    if (wrong) batch[index % 3 == 0 ? 0 : 2].expected_version = 999;
    log->append(batch, [&, wrong](const auto& answer) {
      EXPECT_EQ(answer.has_value(), !wrong);
      if (answer) positions.push_back(answer->front().at);
      answered.count_down();
    });
  }
  blocked.count_down();
  answered.wait();
  for (std::size_t index = 0; index < positions.size(); ++index) {
    EXPECT_EQ(positions[index], 2 + 3 * static_cast<log::position>(index));
  }
  EXPECT_EQ(log->last_position(), 1 + 3 * batches / 2);
}

TEST_F(append_test, survives_a_reopening) {
  ASSERT_TRUE(append(make_batch("a", 10)).has_value());
  open();
  EXPECT_EQ(log->last_position(), 10);
  EXPECT_EQ(append_one(make_event("a3")), (std::vector<appended>{{4, 4, true}}));
  EXPECT_EQ(append_one(make_event("b")), (std::vector<appended>{{11, 11, false}}));
}

TEST_F(append_test, streams_are_found_again_when_memory_forgot_them) {
  how.stream_heads_max = 4;
  open();
  for (int round = 1; round <= 3; ++round) {
    for (int stream = 0; stream < 20; ++stream) {
      const auto answer =
          append_one(make_event(fmt::format("{}-{}", round, stream), fmt::format("S{}", stream)));
      ASSERT_TRUE(answer.has_value());
      EXPECT_EQ(answer->front().stream_version, round);
    }
  }
}

TEST_F(append_test, names_that_differ_only_in_where_they_part_are_different_streams) {
  auto one = make_event("1", "BC"), two = make_event("2", "C");
  one.aggregate_type = "A";
  two.aggregate_type = "AB";
  EXPECT_EQ(append({one, two}), (std::vector<appended>{{1, 1, false}, {2, 1, false}}));
}

class limit_test : public append_test {};

TEST_F(limit_test, sizes_one_below_at_and_above) {
  struct limit {
    std::string log::new_event::* field;
    std::size_t bytes_max;
  };
  const limit limits[] = {{&log::new_event::event_id, log::event_id_bytes_max},
                          {&log::new_event::aggregate_type, log::name_bytes_max},
                          {&log::new_event::aggregate_id, log::name_bytes_max},
                          {&log::new_event::event_type, log::name_bytes_max},
                          {&log::new_event::payload, log::payload_bytes_max},
                          {&log::new_event::metadata, log::payload_bytes_max}};
  int made = 0;
  for (const auto& [field, bytes_max] : limits) {
    for (const int offset : {-1, 0, 1}) {
      auto event = make_event(std::to_string(++made));
      event.*field = std::string(bytes_max + static_cast<std::size_t>(offset), 'x');
      const auto answer = append({make_event(fmt::format("ok{}", made)), event});
      EXPECT_EQ(answer.has_value(), offset <= 0);
      if (offset <= 0) continue;
      EXPECT_EQ(answer.error().code, error_code::too_large);
      EXPECT_EQ(answer.error().place, "events[1]");
    }
  }
}

TEST_F(limit_test, events_of_a_batch) {
  EXPECT_EQ(append(make_batch("b", log::batch_events_max + 1)).error().code, error_code::too_large);
  EXPECT_EQ(append(make_batch("b", log::batch_events_max))->size(), log::batch_events_max);
  EXPECT_EQ(log->last_position(), static_cast<log::position>(log::batch_events_max));
}

TEST_F(limit_test, names_must_be_there_and_text) {
  std::string log::new_event::* const names[] = {
      &log::new_event::event_id, &log::new_event::aggregate_type, &log::new_event::aggregate_id,
      &log::new_event::event_type};
  const std::string wrong[] = {
      "", "\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\xAF", std::string("a\0b", 3)};
  for (const auto name : names) {
    for (const auto& value : wrong) {
      auto event = make_event("x");
      event.*name = value;
      const auto answer = append_one(event);
      ASSERT_FALSE(answer.has_value());
      EXPECT_EQ(answer.error().code, error_code::invalid_argument);
    }
  }
  auto event = make_event("x");
  event.payload = "{\"longer than a word\":\"\xFF\"}";
  EXPECT_EQ(append_one(event).error().code, error_code::invalid_argument);
  event = make_event("x");
  event.expected_version = -1;
  EXPECT_EQ(append_one(event).error().code, error_code::invalid_argument);
  EXPECT_TRUE(append_one(make_event("Grüße 日本 🚀")).has_value());
}

TEST_F(limit_test, a_full_queue_refuses_and_recovers) {
  how.user.queue_events_max = 10;
  open();
  std::latch blocked(1), reached(1), stored(2);
  log->append(make_batch("first", 1), [&](auto) {
    reached.count_down();
    blocked.wait();
  });
  reached.wait();
  // A batch larger than the queue goes through an empty one.
  log->append(make_batch("large", 11), [&](const auto& answer) {
    EXPECT_TRUE(answer.has_value());
    stored.count_down();
  });
  error_code refused{};
  log->append(make_batch("more", 1), [&](const auto& answer) { refused = answer.error().code; });
  EXPECT_EQ(refused, error_code::unavailable);
  blocked.count_down();
  log->append(make_batch("unknown", 0), [&](const auto&) { stored.count_down(); });
  stored.wait();
  EXPECT_TRUE(append(make_batch("more", 1)).has_value());
}

class read_test : public append_test {
 protected:
  void SetUp() override {
    open();
    // Positions 1 to 300: streams A, B, C in turn, two event types, two aggregate types.
    for (int index = 1; index <= 300; ++index) {
      auto event =
          make_event(std::to_string(index), std::string(1, static_cast<char>('A' + index % 3)));
      event.aggregate_type = index % 2 == 0 ? "Even" : "Odd";
      event.event_type = index % 10 == 0 ? "Tenth" : "Other";
      batch_.push_back(std::move(event));
    }
    ASSERT_TRUE(append(batch_).has_value());
  }

  // What the filter means, over what was appended.
  [[nodiscard]] std::vector<log::position> expected(const log::read_filter& filter) const {
    std::vector<log::position> positions;
    for (std::size_t index = 0; index < batch_.size(); ++index) {
      const auto& event = batch_[index];
      const auto at = static_cast<log::position>(index) + 1;
      const auto matches = [](const std::string& wanted, const std::string& value) {
        return wanted.empty() || wanted == value;
      };
      if (at > filter.after && matches(filter.aggregate_type, event.aggregate_type) &&
          matches(filter.aggregate_id, event.aggregate_id) &&
          matches(filter.event_type, event.event_type) && positions.size() < filter.events_max) {
        positions.push_back(at);
      }
    }
    return positions;
  }

  std::vector<log::new_event> batch_;
};

TEST_F(read_test, every_combination_of_filters) {
  for (const log::position after : {-1, 0, 1, 7, 150, 299, 300, 999}) {
    for (const char* type : {"", "Even", "Odd", "None"}) {
      for (const char* id : {"", "A", "B", "Z"}) {
        for (const char* event_type : {"", "Tenth", "Other", "None"}) {
          for (const std::size_t events_max : {0U, 1U, 5U, 1000U}) {
            if (*type == '\0' && *id != '\0') continue;
            const log::read_filter filter{after, type, id, event_type, events_max};
            std::vector<log::position> got;
            for (const auto& event : read(filter)) got.push_back(event.at);
            ASSERT_EQ(got, expected(filter))
                << after << " " << type << " " << id << " " << event_type;
          }
        }
      }
    }
  }
}

TEST_F(read_test, pages_bounded_by_bytes_hold_everything_once) {
  for (const char* type : {"", "Even"}) {
    log::read_filter filter{.aggregate_type = type, .events_max = 1000, .bytes_max = 200};
    std::vector<log::position> got;
    std::size_t pages = 0;
    for (bool at_end = false; !at_end; ++pages) {
      const auto page = log->read(filter);
      ASSERT_TRUE(page.has_value());
      ASSERT_TRUE(!page->events.empty() || page->at_end);
      ASSERT_LT(page->events.size(), 20U);
      for (const auto& event : page->events) got.push_back(event.at);
      ASSERT_GT(page->through, filter.after);
      filter.after = page->through;
      at_end = page->at_end;
    }
    EXPECT_GT(pages, 10U);
    EXPECT_EQ(got, expected({.aggregate_type = type}));
  }
}

TEST_F(read_test, an_event_larger_than_the_page_is_returned_alone) {
  const auto page = log->read({.bytes_max = 1});
  ASSERT_TRUE(page.has_value());
  ASSERT_EQ(page->events.size(), 1U);
  EXPECT_EQ(page->through, 1);
  EXPECT_FALSE(page->at_end);
}

TEST_F(read_test, a_scan_that_finds_nothing_is_bounded_and_says_how_far_it_came) {
  how.scan_positions_max = 100;
  open();
  log::position after = 0;
  for (const log::position through : {100, 200, 300}) {
    const auto page = log->read({.after = after, .event_type = "None"});
    ASSERT_TRUE(page.has_value());
    EXPECT_TRUE(page->events.empty());
    EXPECT_EQ(page->through, through);
    EXPECT_EQ(page->at_end, through == 300);
    after = page->through;
  }
}

TEST_F(read_test, an_aggregate_id_needs_its_type) {
  const auto answer = log->read({.aggregate_id = "A"});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, error_code::invalid_argument);
}

}  // namespace
}  // namespace lodestar::sqlite_log
