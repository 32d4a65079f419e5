// Goal: whoever listens hears of every look into memory and into each tier what came of it, and of
// every write and removal, once.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/testing/steered_store.hpp>

namespace lodestar::swr {
namespace {

using std::chrono::milliseconds;
using testing::steered_store;
using texts = cache<std::string, std::string>;
using lines = std::vector<std::string>;

/// Writes down what it hears, and how long the last one took.
class event_log final : public event_sink {
 public:
  void read(const read_event& event) override {
    static constexpr const char* states[] = {"fresh", "stale", "expired"};
    std::string what = event.hit ? "hit " : event.failed ? "error " : "miss ";
    what += states[static_cast<std::size_t>(event.state)];
    add("read", event.tier, event.cache, event.key, what, event.latency);
  }
  void written(const write_event& event) override {
    add("write", event.tier, event.cache, event.key, event.failed ? "error" : "done",
        event.latency);
  }
  void removed(const remove_event& event) override {
    add("remove", event.tier, event.cache, event.first_key, event.failed ? "error" : "done",
        event.latency);
  }
  lines take() { return std::exchange(heard_, {}); }
  [[nodiscard]] nanoseconds latency() const { return latency_; }

 private:
  void add(std::string_view action, std::string_view tier, std::string_view cache,
           std::string_view key, std::string_view what, nanoseconds latency) {
    std::string line;
    for (const std::string_view part : {action, tier, cache, key, what}) {
      if (!line.empty()) line += ' ';
      line += part;
    }
    heard_.push_back(std::move(line));
    latency_ = latency;
  }
  lines heard_;
  nanoseconds latency_{};
};

class swr_events : public ::testing::Test {
 protected:
  std::shared_ptr<tiers> make_tiers() {
    return tiers::make({.tiers = {{.below = near_}, {.below = far_}},
                        .time = &time_,
                        .timer = &timer_,
                        .random = &random_,
                        .events = &heard_});
  }
  texts make_cache() {
    return texts({.name = "te:xts",
                  .keep = {.fresh_ms = 1'000, .stale_ms = 5'000, .fail_safe_ms = 60'000},
                  .below = make_tiers(),
                  .time = &time_,
                  .timer = &timer_,
                  .random = &random_,
                  .events = &heard_});
  }
  /// What is heard when another process asks for the key.
  lines ask_elsewhere(const std::string& key = "k:1") {
    static_cast<void>(heard_.take());
    texts other = make_cache();
    other.get(key, {}, {}, [](const auto&) {});
    return heard_.take();
  }
  void set(std::vector<std::string> tags = {}) {
    values_.set("k:1", {.value = "v", .tags = std::move(tags)}, {}, nullptr);
  }

  manual_clock time_;
  manual_scheduler timer_{time_};
  seeded_random random_{1};
  event_log heard_;
  std::shared_ptr<steered_store> near_ = std::make_shared<steered_store>(time_, "near");
  std::shared_ptr<steered_store> far_ = std::make_shared<steered_store>(time_, "far");
  texts values_ = make_cache();
};

TEST_F(swr_events, of_memory) {
  set();
  EXPECT_EQ(heard_.take(), (lines{"write near te:xts k:1 done", "write far te:xts k:1 done"}));
  static_cast<void>(values_.peek("k:1"));
  time_.advance(milliseconds(1'000));
  static_cast<void>(values_.peek("k:1"));
  static_cast<void>(values_.peek("other"));
  EXPECT_EQ(heard_.take(),
            (lines{"read memory te:xts k:1 hit fresh", "read memory te:xts k:1 hit stale",
                   "read memory te:xts other miss expired"}));
}

TEST_F(swr_events, of_tiers_that_have_nothing) {
  EXPECT_EQ(ask_elsewhere(),
            (lines{"read memory te:xts k:1 miss expired", "read near te:xts k:1 miss expired",
                   "read far te:xts k:1 miss expired"}));
}

TEST_F(swr_events, of_a_tier_whose_entry_is_fresh_stale_or_expired) {
  set();
  near_->entries.clear();
  const auto heard = ask_elsewhere();
  EXPECT_EQ(heard.at(1), "read near te:xts k:1 miss expired");
  EXPECT_EQ(heard.at(2), "read far te:xts k:1 hit fresh");
  EXPECT_EQ(heard.at(3), "write near te:xts k:1 done") << "it goes into the tier above";
  time_.advance(milliseconds(1'000));
  EXPECT_EQ(ask_elsewhere().at(1), "read near te:xts k:1 hit stale");
  time_.advance(milliseconds(5'000));
  EXPECT_EQ(ask_elsewhere().at(2), "read far te:xts k:1 miss expired") << "for fail-safe only";
}

TEST_F(swr_events, of_a_tier_that_fails_or_has_what_is_no_entry) {
  set();
  near_->set_down(true);
  far_->entries.at("te%3Axts:k:1").bytes[60] ^= 1;
  const auto heard = ask_elsewhere();
  EXPECT_EQ(heard.at(1), "read near te:xts k:1 error expired");
  EXPECT_EQ(heard.at(2), "read far te:xts k:1 error expired");
  EXPECT_EQ(heard.at(3), "remove far te:xts k:1 done") << "what is no entry is deleted";
}

TEST_F(swr_events, of_an_entry_whose_tag_was_removed_as_of_a_miss) {
  set({"t"});
  values_.remove_by_tag("t", nullptr);
  EXPECT_EQ(ask_elsewhere(),
            (lines{"read memory te:xts k:1 miss expired", "read near te:xts k:1 miss expired",
                   "read far te:xts k:1 miss expired"}))
      << "the reading of the mark is not an event";
}

TEST_F(swr_events, not_of_what_no_store_was_asked) {
  set();
  near_->set_down(true);
  for (int times = 0; times < 5; ++times) values_.remove("k:1", nullptr);  // opens the breaker
  static_cast<void>(heard_.take());
  values_.get("k:2", {}, {}, [](const auto&) {});
  EXPECT_EQ(heard_.take(),
            (lines{"read memory te:xts k:2 miss expired", "read far te:xts k:2 miss expired"}));
}

TEST_F(swr_events, of_removals) {
  set();
  static_cast<void>(heard_.take());
  far_->set_down(true);
  values_.remove("k:1", nullptr);
  EXPECT_EQ(heard_.take(), (lines{"remove near te:xts k:1 done", "remove far te:xts k:1 error"}));
}

TEST_F(swr_events, say_how_long_a_tier_took) {
  far_->park(true);
  values_.get("k:1", {}, {}, [](const auto&) {});
  time_.advance(milliseconds(7));
  far_->let_go(0);
  EXPECT_EQ(heard_.take().back(), "read far te:xts k:1 miss expired");
  EXPECT_EQ(heard_.latency(), milliseconds(7));
}

}  // namespace
}  // namespace lodestar::swr
