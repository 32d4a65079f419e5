// Goal: what is invalidated is absent at once for every way of asking, whatever it takes to remove
// it; nothing else is; and no condition runs under a lock.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/cache.hpp>
#include <lodestar/cache/detail/limits.hpp>

namespace lodestar::cache {
namespace {

template <class Value>
Value made(int number);
template <>
int made<int>(int number) {
  return number;
}
template <>
std::string made<std::string>(int number) {
  return "a value that does not lie in place: " + std::to_string(number);
}

template <class Value>
class cache_invalidation : public testing::Test {
 protected:
  using tested = cache<int, Value>;

  static std::unique_ptr<tested> filled(int count, options<int, Value> settings = {}) {
    settings.entries_max = 1'000;
    auto values = std::make_unique<tested>(std::move(settings));
    for (int key = 0; key < count; ++key) values->insert(key, made<Value>(key));
    return values;
  }
  static bool is_even(int key, const Value&) { return key % 2 == 0; }
  static std::vector<int> keys_of(const tested& values) {
    std::vector<int> keys;
    values.for_each([&](int key, const Value&) { keys.push_back(key); });
    std::ranges::sort(keys);
    return keys;
  }
};
using value_types = testing::Types<int, std::string>;
TYPED_TEST_SUITE(cache_invalidation, value_types);

TYPED_TEST(cache_invalidation, makes_everything_absent_for_every_way_of_asking) {
  const auto values = this->filled(100);
  values->invalidate_all();
  EXPECT_FALSE(values->get(1));
  EXPECT_FALSE(values->peek(2));
  EXPECT_FALSE(values->contains(3));
  EXPECT_FALSE(values->with(4, [](const auto&) {}));
  EXPECT_EQ(values->replace(5, made<TypeParam>(0)), outcome::absent);
  EXPECT_EQ(values->replace_if_equal(6, made<TypeParam>(6), made<TypeParam>(0)), outcome::absent);
  EXPECT_EQ(values->insert_if_absent(7, made<TypeParam>(70)), outcome::inserted);
  EXPECT_EQ(values->insert(8, made<TypeParam>(80)), outcome::inserted);
  EXPECT_FALSE(values->remove(9));
  EXPECT_FALSE(values->remove_if_equal(10, made<TypeParam>(10)));
  EXPECT_EQ(values->compute(11,
                            [](const TypeParam* present) {
                              EXPECT_EQ(present, nullptr);
                              return std::optional(made<TypeParam>(110));
                            }),
            outcome::inserted);
  EXPECT_EQ(*values->get_or_load(12, [](int) { return made<TypeParam>(120); }),
            made<TypeParam>(120));
  EXPECT_EQ(this->keys_of(*values), (std::vector{7, 8, 11, 12}));
  EXPECT_EQ(*values->get(7), made<TypeParam>(70));
  values->validate();
}

TYPED_TEST(cache_invalidation, concerns_the_entries_of_the_condition_and_none_that_came_later) {
  const auto values = this->filled(100);
  values->invalidate_if(this->is_even);
  values->insert(2, made<TypeParam>(20));
  EXPECT_EQ(*values->get(2), made<TypeParam>(20));
  for (int key = 3; key < 100; ++key) EXPECT_EQ(values->contains(key), key % 2 != 0) << key;
  values->maintain();
  EXPECT_EQ(values->size(), 51U);
  for (int key = 3; key < 100; ++key) EXPECT_EQ(values->contains(key), key % 2 != 0) << key;
  EXPECT_EQ(*values->get(2), made<TypeParam>(20));
  values->validate();
}

TYPED_TEST(cache_invalidation, adds_up) {
  const auto values = this->filled(60);
  values->invalidate_if([](int key, const auto&) { return key % 2 == 0; });
  values->insert(0, made<TypeParam>(1));
  values->invalidate_if([](int key, const auto&) { return key % 3 == 0; });
  values->insert(6, made<TypeParam>(1));
  values->invalidate_if([](int key, const auto&) { return key % 5 == 0; });
  const auto expected = [](int key) { return key == 6 || (key % 2 && key % 3 && key % 5); };
  for (int key = 0; key < 60; ++key) EXPECT_EQ(values->contains(key), expected(key)) << key;
  values->maintain();
  for (int key = 0; key < 60; ++key) EXPECT_EQ(values->contains(key), expected(key)) << key;
  values->validate();
}

TYPED_TEST(cache_invalidation, is_swept_by_those_who_write) {
  const auto values = this->filled(500);
  values->invalidate_all();
  EXPECT_EQ(values->size(), 500U - std::min<std::size_t>(detail::limits::swept_at_once, 500));
  for (int times = 0; times < 500; ++times) values->insert(1'000, made<TypeParam>(times));
  EXPECT_EQ(values->size(), 1U);
  values->validate();
}

TYPED_TEST(cache_invalidation, is_swept_in_the_background) {
  manual_executor background;
  int asked = 0;
  auto values = this->filled(500, {.background = &background});
  values->invalidate_if([&](int, const auto&) { return ++asked > 0; });
  while (background.run_one()) {
  }
  EXPECT_EQ(asked, 500);
  EXPECT_EQ(values->size(), 0U);
  values->invalidate_all();
  values = nullptr;
  background.run_all();
}

TYPED_TEST(cache_invalidation, may_come_as_often_as_one_likes) {
  const auto values = this->filled(100, {.destroys_in_maintain = true});
  for (int times = 0; times < 1'000; ++times) {
    values->invalidate_if([times](int key, const auto&) { return key == times % 50; });
    values->insert(times % 50 + 200, made<TypeParam>(times));
  }
  EXPECT_EQ(values->size(), 100U);
  for (int key = 0; key < 100; ++key) EXPECT_EQ(values->contains(key), key >= 50) << key;
  for (int times = 950; times < 1'000; ++times)
    EXPECT_EQ(*values->get(times % 50 + 200), made<TypeParam>(times));
  values->validate();
}

TYPED_TEST(cache_invalidation, does_not_let_the_memory_of_conditions_grow) {
  const auto values = this->filled(10);
  const auto life = std::make_shared<int>(0);
  for (int times = 0; times < 1'000; ++times)
    values->invalidate_if([life](int, const auto&) { return *life == 1; });
  EXPECT_LE(life.use_count(), 260);
  values->maintain();
  values->maintain();
  EXPECT_EQ(life.use_count(), 1);
  EXPECT_EQ(values->size(), 10U);
}

TYPED_TEST(cache_invalidation, tells_the_listener) {
  std::vector<int> gone;
  const auto values = this->filled(10, {.listener = [&](int key, const auto&, removal_cause why) {
                                     EXPECT_EQ(why, removal_cause::explicit_);
                                     gone.push_back(key);
                                   }});
  values->invalidate_if(this->is_even);
  values->maintain();
  std::ranges::sort(gone);
  EXPECT_EQ(gone, (std::vector{0, 2, 4, 6, 8}));
}

TYPED_TEST(cache_invalidation, a_condition_may_use_the_cache_and_what_it_throws_counts_as_yes) {
  const auto values = this->filled(10);
  values->invalidate_if([&](int key, const auto&) {
    values->insert(100, made<TypeParam>(1));
    EXPECT_FALSE(key != 3 && values->contains(3) && key == 100);
    if (key == 3) throw std::runtime_error("a condition that cannot say");
    return false;
  });
  EXPECT_FALSE(values->contains(3));
  EXPECT_TRUE(values->contains(4));
  values->maintain();
  EXPECT_EQ(values->size(), 10U);  // one came, one went
  values->validate();
}

TYPED_TEST(cache_invalidation, overtakes_a_load) {
  const auto values = this->filled(0);
  const auto answer = values->get_or_load(1, [&](int) {
    values->invalidate_all();
    return made<TypeParam>(1);
  });
  EXPECT_EQ(*answer, made<TypeParam>(1));
  EXPECT_FALSE(values->contains(1));
}

TYPED_TEST(cache_invalidation, counts_neither_for_remove_if_nor_for_clear) {
  const auto values = this->filled(10);
  values->invalidate_if(this->is_even);
  EXPECT_EQ(values->remove_if([](int key, const auto&) { return key < 4; }), 2U);
  EXPECT_EQ(values->clear(), 3U);
  EXPECT_EQ(values->size(), 0U);
  values->validate();
}

TEST(cache_invalidations_of_errors, let_a_loader_be_asked_again) {
  manual_clock time;
  cache<int, int> values(
      {.entries_max = 10, .failure_time_to_live = std::chrono::seconds(10), .time = &time});
  int asked = 0;
  const auto load = [&](int) -> result<int> {
    ++asked;
    return fail(error_code::not_found, "nothing there");
  };
  static_cast<void>(values.get_or_load(1, load));
  static_cast<void>(values.get_or_load(1, load));
  EXPECT_EQ(asked, 1);
  values.invalidate_all();
  static_cast<void>(values.get_or_load(1, load));
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace lodestar::cache
