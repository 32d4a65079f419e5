// Goal: a cache over tiers keeps its promises when something else happens between two steps of a
// call, and when code of the caller, or numbers, are not as they should be.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <stdexcept>

#include <lodestar/swr/testing/steered_backplane.hpp>

#include "tiers_fixture.hpp"

namespace lodestar::swr {
namespace {

using testing::steered_backplane;

class swr_tier_moments : public tiers_fixture {
 protected:
  /// Another process, or another node when it has a plane, over the same stores.
  std::shared_ptr<tiers> make_node(std::shared_ptr<steered_store> far,
                                   std::shared_ptr<backplane> plane = nullptr,
                                   clock* time = nullptr) {
    return tiers::make({.tiers = {{.below = near_}, {.below = std::move(far), .shared = true}},
                        .announcements = std::move(plane),
                        .time = time != nullptr ? time : &time_,
                        .timer = &timer_,
                        .random = &random_});
  }
  /// A connection of its own to the far store.
  std::shared_ptr<steered_store> connect_far() {
    return std::make_shared<steered_store>(time_, "far", far_contents_);
  }
  /// The far store has "k" and "other" with a tag that was removed; nobody else knows of it.
  void remove_tag_elsewhere() {
    texts elsewhere(settings(make_node(connect_far())));
    for (const char* const key : {"k", "other"})
      elsewhere.set(key, {.value = "v", .tags = {"red"}}, {}, nullptr);
    elsewhere.remove_by_tag("red", nullptr);
    near_->entries.clear();
    time_.advance(milliseconds(1));  // at 0 nothing counts as asked for
  }
  static std::string read(texts& values) {
    std::optional<outcome> found;
    values.get("k", {}, {}, into(found));
    return value_of(found);
  }
  static bool is_missing(const std::optional<outcome>& found) {
    return found && !*found && found->error().code == error_code::not_found;
  }
  /// Texts whose codec does something else first.
  texts::options_type with_codec(std::shared_ptr<tiers> below, std::function<void()> before_encode,
                                 std::function<void(std::string_view)> before_decode) {
    auto how = settings(std::move(below));
    auto plain = value_codec<std::string>::standard();
    how.values = {.format = plain.format,
                  .encode =
                      [plain, before_encode](const std::string& value, std::string& bytes) {
                        if (before_encode) before_encode();
                        plain.encode(value, bytes);
                      },
                  .decode =
                      [plain, before_decode](std::string_view bytes) {
                        if (before_decode) before_decode(bytes);
                        return plain.decode(bytes);
                      }};
    return how;
  }

  std::shared_ptr<steered_store::contents> far_contents_ =
      std::make_shared<steered_store::contents>();
  steered_backplane plane_;
};

// --- marks

TEST_F(swr_tier_moments, a_tag_that_a_tier_could_not_tell_of_is_asked_for_again) {
  remove_tag_elsewhere();
  const auto far = connect_far();
  texts reader(settings(make_node(far)));
  far->park(true);
  reader.get("k", {}, {}, into(first_));
  far->let_go(0);                                                            // the entry
  while (far->parked() > 0) far->let_go(0, steered_store::ending::refused);  // marks
  EXPECT_EQ(value_of(first_), "v") << "a tier that does not answer keeps nothing from anybody";
  far->park(false);
  reader.get("other", {}, {}, into(second_));
  EXPECT_TRUE(is_missing(second_)) << "now it is known that the tag was removed";
}

TEST_F(swr_tier_moments, a_mark_is_known_when_all_tiers_have_told) {
  remove_tag_elsewhere();
  const auto far = connect_far();
  texts reader(settings(make_node(far)));
  far->park(true);
  reader.get("k", {}, {}, into(first_));
  far->let_go(0);  // the entry
  far->let_go(0);  // the mark of the tier
  far->let_go(0);  // the mark of clear(); the near store tells that it has none of the tag
  ASSERT_EQ(far->parked(), 1U) << "the mark of the tag";
  reader.get("other", {}, {}, into(second_));
  far->let_go(1);  // that entry
  EXPECT_FALSE(second_.has_value());
  while (far->parked() > 0) far->let_go(0);
  EXPECT_TRUE(is_missing(first_));
  EXPECT_TRUE(is_missing(second_));
}

TEST_F(swr_tier_moments, marks_that_cross_leave_the_newer_one) {
  manual_clock behind;
  behind.set_wall_us(time_.wall_us() - 5'000'000);
  texts ahead(settings(make_node(connect_far())));
  ahead.clear(nullptr);
  const std::string newer = far_contents_->at("@cleared:texts").bytes;
  near_->entries.clear();
  auto how = settings(make_node(connect_far(), nullptr, &behind));
  how.time = &behind;
  texts late(how);
  late.clear(nullptr);
  EXPECT_EQ(far_contents_->at("@cleared:texts").bytes, newer);
}

// A clear or a tag has many entries: reading their marks must not need a stack for each.
TEST_F(swr_tier_moments, an_entry_may_have_many_tags) {
  const auto far = connect_far();
  std::vector<std::string> tags;
  for (int number = 0; number < 20'000; ++number) tags.push_back(std::to_string(number));
  texts writer(settings(make_node(connect_far())));
  writer.set("k", {.value = "v", .tags = tags}, {}, nullptr);
  texts reader(settings(make_node(far)));
  EXPECT_EQ(read(reader), "v");
}

// --- the backplane

TEST_F(swr_tier_moments, what_was_there_before_the_first_connection_is_not_believed) {
  const auto plane = plane_.connect(false);
  texts values(settings(make_node(connect_far(), plane)));
  values.set("k", {.value = "old"}, {}, nullptr);
  texts other(settings(make_node(connect_far(), plane_.connect())));
  time_.advance(milliseconds(1));
  other.set("k", {.value = "new"}, {}, nullptr);
  near_->entries.clear();
  EXPECT_EQ(values.peek("k")->state, freshness::fresh);
  plane->set_connected(true);
  EXPECT_EQ(values.peek("k")->state, freshness::stale);
  std::optional<outcome> found;
  values.get("k", {}, {.allow_stale = false}, into(found));
  EXPECT_EQ(value_of(found), "new");
}

TEST_F(swr_tier_moments, a_write_that_is_heard_of_while_a_tier_answers_wins_over_it) {
  const auto plane = plane_.connect();
  const auto hears = [&](std::string_view) {
    while (plane->arriving() > 0) plane->deliver_one();
  };
  texts values(with_codec(make_node(connect_far(), plane), nullptr, hears));
  texts other(settings(make_node(connect_far(), plane_.connect())));
  time_.advance(milliseconds(1));
  other.set("k", {.value = "old"}, {}, nullptr);
  while (plane->arriving() > 0) plane->deliver_one();
  const auto far_entry = far_contents_->at("texts:k");
  time_.advance(milliseconds(1));
  other.remove("k", nullptr);
  (*far_contents_)["texts:k"] = far_entry;  // the removal is on its way there, the message arrives
  near_->entries.clear();
  time_.advance(milliseconds(1));  // the look begins later: it is not superseded
  values.get("k", {}, {}, into(first_));
  EXPECT_TRUE(is_missing(first_));
}

TEST_F(swr_tier_moments, what_a_call_kept_from_a_tier_is_not_written_there_later) {
  const auto plane = plane_.connect();
  texts values(settings(make_node(connect_far(), plane)));
  values.set("k", {.value = "v"}, {.skip_write = tier_set::tier(1)}, nullptr);
  EXPECT_FALSE(far_contents_->contains("texts:k"));
  plane->set_connected(false);
  plane->set_connected(true);
  EXPECT_FALSE(far_contents_->contains("texts:k"));
}

// --- writes that cross

TEST_F(swr_tier_moments, of_two_sets_that_cross_memory_and_tiers_keep_the_same) {
  texts* inner = nullptr;
  bool nested = false;
  const auto crossing = [&] {
    if (std::exchange(nested, true)) return;
    inner->set("k", {.value = "second"}, {}, nullptr);
  };
  texts values(with_codec(make_tiers(), crossing, nullptr));
  inner = &values;
  bool told = false;
  values.set("k", {.value = "first"}, {}, [&](const result<void>& how) {
    EXPECT_TRUE(how.has_value());
    told = true;
  });
  EXPECT_TRUE(told);
  EXPECT_EQ(values.peek("k")->value, "second");
  for (const auto& store : {near_, far_})
    EXPECT_TRUE(store->entries.at("texts:k").bytes.ends_with("second"));
}

TEST_F(swr_tier_moments, a_set_that_a_removal_crosses_is_nowhere) {
  texts* inner = nullptr;
  const auto crossing = [&] { inner->remove("k", nullptr); };
  texts values(with_codec(make_tiers(), crossing, nullptr));
  inner = &values;
  values.set("k", {.value = "v"}, {}, nullptr);
  EXPECT_FALSE(values.peek("k").has_value());
  EXPECT_TRUE(near_->entries.empty());
  EXPECT_TRUE(far_->entries.empty());
}

// --- the caller's code

TEST_F(swr_tier_moments, a_codec_that_throws_while_it_encodes_fails_the_load) {
  texts values(with_codec(make_tiers(), [] { throw std::runtime_error("no encoding"); }, nullptr));
  ask(values, first_);
  ask(values, second_);
  complete(0, "v");
  EXPECT_NE(value_of(first_).find("no encoding"), std::string::npos) << value_of(first_);
  EXPECT_NE(value_of(second_).find("no encoding"), std::string::npos) << value_of(second_);
  EXPECT_EQ(values.stats().load_errors, 1U);
  values.validate();
}

TEST_F(swr_tier_moments, a_weigher_that_throws_fails_the_load) {
  auto how = settings(make_tiers());
  how.weigher = [](const std::string&, const std::string&) -> std::size_t {
    throw std::runtime_error("no weight");
  };
  texts values(how);
  ask(values, first_);
  complete(0, "v");
  EXPECT_NE(value_of(first_).find("no weight"), std::string::npos) << value_of(first_);
}

TEST_F(swr_tier_moments, a_value_that_cannot_be_decoded_is_counted_deleted_and_hides_nothing) {
  set("bad");
  const std::string bad = near_->entries.at("texts:k").bytes;
  time_.advance(milliseconds(1));
  set("good");
  near_->entries.at("texts:k").bytes = bad;
  auto below = make_tiers();
  texts other(with_codec(below, nullptr, [](std::string_view bytes) {
    if (bytes == "bad") throw std::runtime_error("no decoding");
  }));
  EXPECT_EQ(read(other), "good");
  EXPECT_EQ(below->stats().at(0).faults, 1U);
  EXPECT_NE(near_->entries.at("texts:k").bytes, bad);
}

TEST_F(swr_tier_moments, a_weight_of_a_loader_comes_back_from_a_tier) {
  values_.set("k", {.value = "v", .weight = 700}, {}, nullptr);
  texts other(settings(make_tiers()));
  EXPECT_EQ(read(other), "v");
  EXPECT_EQ(other.stats().weight, 700U);
}

// What is found damaged is removed; what is written meanwhile is not.
TEST_F(swr_tier_moments, removing_what_is_damaged_spares_what_is_newer) {
  set("v");
  near_->entries.at("texts:k").bytes = "damaged";
  far_->entries.clear();
  texts other(settings(make_tiers()));
  near_->park(true);
  other.get("k", {}, {}, into(first_));
  other.set("k", {.value = "new"}, {}, nullptr);  // behind the read
  while (near_->parked() > 0) near_->let_go(0);
  EXPECT_TRUE(near_->entries.at("texts:k").bytes.ends_with("new"));
}

// --- numbers

TEST_F(swr_tier_moments, times_beyond_what_a_clock_can_say_are_for_ever) {
  constexpr std::int64_t nearly_unlimited = std::numeric_limits<std::int64_t>::max() - 1;
  auto how = settings(below_, "long");
  how.fail_safe_throttle_ms = duration_ms_unlimited;
  how.load_ms_max = nearly_unlimited;
  texts values(how);
  values.set("k", {.value = "v"}, {}, nullptr);
  advance(milliseconds(7'000));
  near_->entries.clear();
  far_->entries.clear();
  ask(values, first_, {.soft_timeout_ms = nearly_unlimited, .hard_timeout_ms = nearly_unlimited});
  ASSERT_EQ(loads_.size(), 1U);
  advance(milliseconds(100));
  EXPECT_FALSE(first_.has_value());
  break_load(0);
  EXPECT_EQ(value_of(first_), "v");
  ask(values, second_);
  EXPECT_EQ(value_of(second_), "v");
  EXPECT_EQ(loads_.size(), 1U) << "throttled";
}

TEST_F(swr_tier_moments, negative_times_of_a_call_are_none) {
  values_.set("k", {.value = "v", .keep = lifetimes{-5, -5, -5}}, {}, nullptr);
  ask(first_);
  EXPECT_FALSE(first_.has_value());
  complete(0, "new");
  EXPECT_EQ(value_of(first_), "new");
  ask(values_, second_, {.keep = lifetimes{-1, -1, std::numeric_limits<std::int64_t>::min()}});
  EXPECT_EQ(loads_.size(), 2U);
}

// One load that hangs and many that wait a moment only.
TEST_F(swr_tier_moments, callers_with_short_patience_do_not_fill_the_timer) {
  texts alone({.keep = {.fresh_ms = 1'000}, .time = &time_, .timer = &timer_});
  ask(alone, first_);
  std::size_t most = 0;
  for (int caller = 0; caller < 100; ++caller) {
    std::optional<outcome> given_up;
    ask(alone, given_up, {.hard_timeout_ms = 1});
    most = std::max(most, timer_.pending());
    advance(milliseconds(1));
    EXPECT_TRUE(given_up.has_value());
  }
  EXPECT_LE(most, 2U);
  complete(0, "v");
}

}  // namespace
}  // namespace lodestar::swr
