// Goal: a measured store does what the one it wraps does, and reports each call under its name.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/swr/measured_store.hpp>
#include <lodestar/swr/memory_store.hpp>
#include <lodestar/swr/testing/steered_store.hpp>
#include <lodestar/swr/testing/store_conformance.hpp>

namespace lodestar::swr {
namespace {

using std::chrono::milliseconds;

class silent_sink final : public event_sink {
 public:
  void read(const read_event&) override {}
  void written(const write_event&) override {}
  void removed(const remove_event&) override {}
};

struct measured_subject {
  silent_sink events;
  manual_clock time;
  measured_store made{
      std::make_shared<memory_store>(memory_store_options{.bytes_max = 8U << 20, .time = &time}),
      events,
      {.time = &time}};
  store& subject() { return made; }
  void pass(nanoseconds by) { time.advance(by); }
};

}  // namespace

namespace testing {
INSTANTIATE_TYPED_TEST_SUITE_P(measured, store_conformance, measured_subject);
}  // namespace testing

namespace {

/// What was heard last, with copies of the texts.
class last_event final : public event_sink {
 public:
  void read(const read_event& event) override {
    note(event.tier, event.cache, event.key, event.failed, event.latency);
    hit = event.hit;
    ++reads;
  }
  void written(const write_event& event) override {
    note(event.tier, event.cache, event.key, event.failed, event.latency);
    ++writes;
  }
  void removed(const remove_event& event) override {
    note(event.tier, event.cache, event.first_key, event.failed, event.latency);
    keys = event.keys;
    everything = event.everything;
    ++removals;
  }

  std::string tier, cache, key;
  bool hit = false, failed = false, everything = false;
  nanoseconds latency{};
  std::size_t keys = 0;
  int reads = 0, writes = 0, removals = 0;

 private:
  void note(std::string_view of_tier, std::string_view of_cache, std::string_view of_key,
            bool has_failed, nanoseconds took) {
    tier = of_tier;
    cache = of_cache;
    key = of_key;
    failed = has_failed;
    latency = took;
  }
};

class measured_memory : public ::testing::Test {
 protected:
  manual_clock time_;
  last_event heard_;
  measured_store store_{
      std::make_shared<memory_store>(memory_store_options{.bytes_max = 1U << 20, .time = &time_}),
      heard_,
      {.cache = "users", .time = &time_}};
  testing::blocking_store calls_{store_};
};

TEST_F(measured_memory, has_the_name_of_what_it_measures) {
  EXPECT_EQ(store_.name(), "memory");
}

TEST_F(measured_memory, reports_misses_hits_and_writes) {
  static_cast<void>(calls_.get("a"));
  EXPECT_EQ(heard_.tier, "memory");
  EXPECT_EQ(heard_.cache, "users");
  EXPECT_EQ(heard_.key, "a");
  EXPECT_FALSE(heard_.hit);
  EXPECT_FALSE(heard_.failed);
  calls_.set("b", "1");
  EXPECT_EQ(heard_.key, "b");
  EXPECT_FALSE(heard_.failed);
  static_cast<void>(calls_.get("b"));
  EXPECT_TRUE(heard_.hit);
  EXPECT_EQ(heard_.reads, 2);
  EXPECT_EQ(heard_.writes, 1);
}

TEST_F(measured_memory, reports_how_many_keys_are_removed_and_the_first_one) {
  calls_.remove({"a", "b", "c"});
  EXPECT_EQ(heard_.keys, 3U);
  EXPECT_EQ(heard_.key, "a");
  calls_.remove({});
  EXPECT_EQ(heard_.keys, 0U);
  EXPECT_EQ(heard_.key, "");
  EXPECT_FALSE(heard_.everything);
  calls_.clear();
  EXPECT_TRUE(heard_.everything);
  EXPECT_EQ(heard_.removals, 3);
}

TEST_F(measured_memory, reports_a_refused_write_as_failed) {
  EXPECT_FALSE(calls_.set("a", std::string(2U << 20, 'v')).has_value());
  EXPECT_TRUE(heard_.failed);
}

TEST(measured_store, reports_what_fails_and_how_long_each_call_took) {
  manual_clock time;
  last_event heard;
  const auto far = std::make_shared<testing::steered_store>(time, "far");
  auto store = std::make_unique<measured_store>(far, heard, measured_store_options{.time = &time});
  testing::blocking_store calls(*store);
  far->park(true);
  auto read = calls.begin_get("a");
  auto written = calls.begin_set("a", "1");
  auto removed = calls.begin_remove({"a"});
  store.reset();  // the wrapped one, which others hold as well, answers later
  const auto refused = testing::steered_store::ending::refused;
  time.advance(milliseconds(5));
  far->let_go(0, refused);
  EXPECT_EQ(heard.tier, "far");
  EXPECT_TRUE(heard.failed);
  EXPECT_FALSE(heard.hit);
  EXPECT_EQ(heard.latency, milliseconds(5));
  far->let_go(0, refused);
  time.advance(milliseconds(1));
  far->let_go(0, refused);
  EXPECT_TRUE(heard.failed);
  EXPECT_EQ(heard.latency, milliseconds(6));
  EXPECT_EQ(heard.writes, 1);
  EXPECT_EQ(heard.removals, 1);
  EXPECT_FALSE(read.wait().has_value());
  EXPECT_FALSE(written.wait().has_value());
  EXPECT_FALSE(removed.wait().has_value());
}

}  // namespace
}  // namespace lodestar::swr
