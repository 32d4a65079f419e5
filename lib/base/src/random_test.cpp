#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <lodestar/base/random.hpp>

namespace lodestar {
namespace {

TEST(random_test, a_seed_repeats) {
  seeded_random first(7), second(7), other(8);
  const auto value = first.next();
  EXPECT_EQ(value, second.next());
  EXPECT_NE(value, other.next());
}

TEST(random_test, the_system_source_differs) {
  std::set<std::uint64_t> values;
  for (int index = 0; index < 1000; ++index) values.insert(system_random().next());
  EXPECT_EQ(values.size(), 1000U);
}

TEST(random_test, threads_do_not_share_numbers_of_the_system_source) {
  constexpr int thread_count = 4, numbers = 1000;
  std::vector<std::vector<std::uint64_t>> drawn(thread_count);
  {
    std::vector<std::jthread> threads;
    for (auto& own : drawn) {
      threads.emplace_back([&own] {
        for (int index = 0; index < numbers; ++index) own.push_back(system_random().next());
      });
    }
  }
  std::set<std::uint64_t> values;
  for (const auto& own : drawn) values.insert(own.begin(), own.end());
  EXPECT_EQ(values.size(), std::size_t{thread_count * numbers});
}

TEST(uuid_test, has_the_form_of_version_7) {
  seeded_random random(1);
  const manual_clock time;
  for (int index = 0; index < 1000; ++index) {
    const auto id = make_uuid_v7(time, random);
    ASSERT_EQ(id.size(), 36U);
    for (std::size_t at = 0; at < id.size(); ++at) {
      const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
      ASSERT_EQ(id[at] == '-', dash) << id;
      if (!dash) {
        ASSERT_NE(std::string("0123456789abcdef").find(id[at]), std::string::npos) << id;
      }
    }
    ASSERT_EQ(id[14], '7');
    ASSERT_NE(std::string("89ab").find(id[19]), std::string::npos) << id;
  }
}

TEST(uuid_test, begins_with_the_milliseconds) {
  seeded_random random(1);
  const manual_clock time(0x0123'4567'89AB * std::int64_t{1000} + 999);
  EXPECT_EQ(make_uuid_v7(time, random).substr(0, 13), "01234567-89ab");
}

TEST(uuid_test, sorts_by_time) {
  seeded_random random(1);
  manual_clock time;
  std::string last;
  for (int index = 0; index < 1000; ++index) {
    const auto id = make_uuid_v7(time, random);
    EXPECT_LT(last, id);
    last = id;
    time.advance(milliseconds(1));
  }
}

TEST(uuid_test, a_hundred_thousand_of_one_millisecond_are_unique) {
  const manual_clock time;
  std::unordered_set<std::string> ids;
  for (int index = 0; index < 100'000; ++index) ids.insert(make_uuid_v7(time, system_random()));
  EXPECT_EQ(ids.size(), 100'000U);
}

}  // namespace
}  // namespace lodestar
