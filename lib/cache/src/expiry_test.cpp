// Until when entries are served: by time to live, by time to idle, entry by entry, and with a clock
// whose cheap time is late.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/cache/cache.hpp>

#include "value_forms.hpp"

namespace lodestar::cache {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// recent() is as late as a clock may be.
class lagging_clock final : public clock {
 public:
  [[nodiscard]] steady_time now() const noexcept override { return exact_.now(); }
  [[nodiscard]] steady_time recent() const noexcept override {
    ++looks_;
    return exact_.now() - recent_lag_max;
  }
  [[nodiscard]] std::int64_t wall_us() const noexcept override { return exact_.wall_us(); }
  void advance(nanoseconds by) noexcept { exact_.advance(by); }
  [[nodiscard]] int looks() const noexcept { return looks_; }

 private:
  manual_clock exact_;
  mutable std::atomic<int> looks_ = 0;
};

template <class Form>
class cache_expiry : public testing::Test {
 protected:
  using value_type = typename Form::value;
  using values_type = cache<int, value_type>;
  static value_type some(int number) { return Form::make(number); }
  lagging_clock time;
};
using forms = testing::Types<in_one_word, in_three_words, in_a_box>;
TYPED_TEST_SUITE(cache_expiry, forms);

TYPED_TEST(cache_expiry, ends_with_the_time_to_live_to_the_microsecond) {
  typename TestFixture::values_type values(
      {.entries_max = 10, .time_to_live = seconds(10), .time = &this->time});
  values.insert(1, this->some(1));
  this->time.advance(seconds(10));
  EXPECT_EQ(values.get(1), this->some(1));
  this->time.advance(microseconds(2));
  EXPECT_EQ(values.get(1), std::nullopt);
  EXPECT_EQ(values.peek(1), std::nullopt);
  EXPECT_FALSE(values.contains(1));
  EXPECT_GT(this->time.looks(), 0);
  values.validate();
}

TYPED_TEST(cache_expiry, of_a_time_to_live_begins_anew_with_every_write_and_no_read) {
  typename TestFixture::values_type values(
      {.entries_max = 10, .time_to_live = seconds(10), .time = &this->time});
  values.insert(1, this->some(1));
  this->time.advance(seconds(6));
  values.insert(1, this->some(2));
  this->time.advance(seconds(6));
  EXPECT_EQ(values.get(1), this->some(2));
  this->time.advance(seconds(6));
  EXPECT_EQ(values.get(1), std::nullopt);
  values.validate();
}

TYPED_TEST(cache_expiry, of_an_idle_time_begins_anew_with_every_use) {
  for (const nanoseconds idle :
       {nanoseconds(milliseconds(8)), nanoseconds(seconds(8)), nanoseconds(hours(8))}) {
    typename TestFixture::values_type values(
        {.entries_max = 10, .time_to_idle = idle, .time = &this->time});
    values.insert(1, this->some(1));
    for (int round = 0; round < 20; ++round) {
      this->time.advance(idle / 2);
      ASSERT_EQ(values.get(1), this->some(1)) << "used so long ago: " << idle / 2;
      // Not a use.
      ASSERT_EQ(values.peek(1), this->some(1));
    }
    this->time.advance(idle / 4 * 3);
    EXPECT_EQ(values.peek(1), this->some(1));
    this->time.advance(idle / 2);
    EXPECT_EQ(values.get(1), std::nullopt);
    values.validate();
  }
}

TYPED_TEST(cache_expiry, comes_at_the_latest_with_the_time_to_live_however_often_it_is_used) {
  typename TestFixture::values_type values({.entries_max = 10,
                                            .time_to_live = seconds(100),
                                            .time_to_idle = seconds(30),
                                            .time = &this->time});
  values.insert(1, this->some(1));
  for (int second = 10; second <= 100; second += 10) {
    this->time.advance(seconds(10));
    EXPECT_EQ(values.get(1), this->some(1)) << second;
  }
  this->time.advance(microseconds(2));
  EXPECT_EQ(values.get(1), std::nullopt);
  values.validate();
}

TYPED_TEST(cache_expiry, can_be_different_for_every_entry) {
  typename TestFixture::values_type::options_type settings{.entries_max = 10, .time = &this->time};
  settings.expires.after_create = [](int key, const typename TestFixture::value_type&) {
    return seconds(key);
  };
  settings.expires.after_update = [](int, const typename TestFixture::value_type&,
                                     nanoseconds left) { return left / 2; };
  settings.expires.after_read = [](int, const typename TestFixture::value_type&, nanoseconds left) {
    return left > seconds(50) ? seconds(20) : left;
  };
  typename TestFixture::values_type values(settings);
  values.insert(5, this->some(5));
  values.insert(40, this->some(40));
  values.insert(60, this->some(60));
  EXPECT_EQ(values.get(60), this->some(60));  // 20 s from here
  values.insert(40, this->some(41));          // 20 s from here
  this->time.advance(seconds(5) + microseconds(2));
  EXPECT_EQ(values.get(5), std::nullopt);
  EXPECT_EQ(values.get(40), this->some(41));
  EXPECT_EQ(values.get(60), this->some(60));
  this->time.advance(seconds(15));
  EXPECT_EQ(values.get(40), std::nullopt);
  EXPECT_EQ(values.get(60), std::nullopt);
  values.validate();
}

}  // namespace
}  // namespace lodestar::cache
