// Goal: the store of one LMDB file does what every store must do, survives its process, and neither
// a full nor a damaged file is more than a miss.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/lmdb_tier/lmdb_tier.hpp>
#include <lodestar/swr/envelope.hpp>
#include <lodestar/swr/testing/poisoned_entries.hpp>
#include <lodestar/swr/testing/store_conformance.hpp>

#include "file_check.hpp"
#include "temp_folder.hpp"

namespace lodestar::lmdb_tier {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using swr::testing::blocking_store;

struct place {
  test::temp_folder folder;
  std::filesystem::path file = folder.path() / "cache.lmdb";
};

std::unique_ptr<swr::store> open_right(const options& settings) {
  auto made = open(settings);
  EXPECT_TRUE(made.has_value()) << made.error().describe();
  if (!made) return nullptr;
  EXPECT_FALSE(made->set_aside.has_value()) << made->set_aside->describe();
  return std::move(made->store);
}

struct lmdb_subject {
  place here;
  manual_clock time;
  std::unique_ptr<swr::store> made =
      open_right({.file = here.file, .bytes_max = 64U << 20, .time = &time});
  swr::store& subject() { return *made; }
  void pass(nanoseconds by) { time.advance(by); }
};

}  // namespace
}  // namespace lodestar::lmdb_tier

namespace lodestar::swr::testing {
INSTANTIATE_TYPED_TEST_SUITE_P(lmdb, store_conformance, lmdb_tier::lmdb_subject);
}  // namespace lodestar::swr::testing

namespace lodestar::lmdb_tier {
namespace {

std::string name_of(int number) {
  return "key " + std::to_string(number);
}
std::string value_of(int number, std::size_t bytes = 1'000) {
  return std::string(bytes, static_cast<char>('a' + number % 26)) + std::to_string(number);
}
std::string enveloped(int number, std::size_t bytes) {
  const std::string value = value_of(number, bytes);
  std::string stored;
  swr::append_envelope({.key = swr::identity_of(name_of(number)), .value = value}, stored);
  return stored;
}

TEST(lmdb_tier, keeps_what_it_holds_until_it_is_opened_again) {
  const place here;
  manual_clock time;
  const options settings{.file = here.file, .bytes_max = 16U << 20, .time = &time};
  {
    const auto store = open_right(settings);
    blocking_store calls(*store);
    for (int number = 0; number < 1'000; ++number)
      calls.set(name_of(number), value_of(number), number % 2 == 0 ? seconds(10) : seconds(100));
    calls.remove({name_of(1)});
  }
  time.advance(seconds(50));
  const auto store = open_right(settings);
  blocking_store calls(*store);
  EXPECT_EQ(calls.get(name_of(0)), std::nullopt) << "expired meanwhile";
  EXPECT_EQ(calls.get(name_of(1)), std::nullopt) << "was removed";
  EXPECT_EQ(calls.get(name_of(3)), value_of(3));
  EXPECT_EQ(calls.get(name_of(999)), value_of(999));
}

TEST(lmdb_tier, writes_what_waits_before_it_is_closed) {
  const place here;
  const options settings{.file = here.file, .bytes_max = 16U << 20};
  std::vector<swr::testing::awaited_answer<void>> written;
  {
    const auto store = open_right(settings);
    blocking_store calls(*store);
    for (int number = 0; number < 1'000; ++number)
      written.push_back(calls.begin_set(name_of(number), value_of(number)));
  }
  for (auto& each : written) EXPECT_TRUE(each.arrived() && each.wait().has_value());
  const auto store = open_right(settings);
  blocking_store calls(*store);
  EXPECT_EQ(calls.get(name_of(999)), value_of(999));
}

TEST(lmdb_tier, belongs_to_one_at_a_time) {
  const place here;
  const options settings{.file = here.file, .bytes_max = 1U << 20};
  const auto store = open_right(settings);
  const auto second = open(settings);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, error_code::unavailable);
  EXPECT_EQ(second.error().place, here.file.string());
}

TEST(lmdb_tier, says_what_options_cannot_be) {
  const place here;
  const auto small = open({.file = here.file, .bytes_max = 1'000});
  ASSERT_FALSE(small.has_value());
  EXPECT_EQ(small.error().code, error_code::invalid_argument);
  EXPECT_EQ(small.error().place, "bytes_max");
}

TEST(lmdb_tier, makes_room_when_it_is_full) {
  const place here;
  constexpr std::size_t bytes_max = 4U << 20;
  const auto store = open_right({.file = here.file, .bytes_max = bytes_max});
  blocking_store calls(*store);
  // Of several sizes: some share a page, some have pages of their own.
  for (const std::size_t bytes : {200U, 1'000U, 5'000U, 100'000U}) {
    const int entries = static_cast<int>(3 * bytes_max / bytes);
    // In portions, each of which is written long before its deadline, also by a slow machine.
    constexpr int portion = 4'096;
    for (int begin = 0; begin < entries; begin += portion) {
      std::vector<swr::testing::awaited_answer<void>> written;
      for (int number = begin; number < std::min(begin + portion, entries); ++number)
        written.push_back(calls.begin_set(name_of(number), value_of(number, bytes)));
      for (auto& each : written) {
        const auto answer = each.wait();
        ASSERT_TRUE(answer.has_value()) << answer.error().describe();
      }
    }
    std::size_t present = 0;
    for (int number = 0; number < entries; ++number) {
      const auto found = calls.get(name_of(number));
      ASSERT_TRUE(found.has_value()) << found.error().describe();
      EXPECT_TRUE(!*found || **found == value_of(number, bytes));
      present += static_cast<std::size_t>(found->has_value());
    }
    EXPECT_GT(present * bytes, bytes_max / 5) << bytes << " bytes each";
    EXPECT_EQ(calls.get(name_of(entries - 1)), value_of(entries - 1, bytes));
    EXPECT_LE(std::filesystem::file_size(here.file), bytes_max);
  }
}

TEST(lmdb_tier, takes_what_has_expired_first) {
  const place here;
  manual_clock time;
  const auto store = open_right({.file = here.file, .bytes_max = 8U << 20, .time = &time});
  blocking_store calls(*store);
  for (int number = 0; number < 2'000; ++number)
    calls.set(name_of(number), value_of(number), hours(number < 1'000 ? 1'000 : 1));
  time.advance(hours(2));
  for (int number = 2'000; number < 3'300; ++number)
    calls.set(name_of(number), value_of(number), hours(1'000));
  int present = 0;
  for (int number = 0; number < 1'000; ++number)
    present += static_cast<int>(calls.get(name_of(number)).value_or(std::nullopt).has_value());
  EXPECT_GT(present, 900) << "there was room enough where entries had expired";
}

TEST(lmdb_tier, does_not_write_what_comes_too_late) {
  const place here;
  const auto store = open_right({.file = here.file, .bytes_max = 1U << 20});
  blocking_store calls(*store);
  calls.set("key", "old");
  swr::testing::awaited_answer<void> answer;
  store->set("key", shared_bytes("new"), hours(1), system_clock().now() - seconds(1),
             answer.handler());
  const auto refused = answer.wait();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, error_code::deadline_exceeded);
  EXPECT_EQ(calls.get("key"), "old");
}

TEST(lmdb_tier, refuses_what_is_too_large_for_the_file) {
  const place here;
  const auto store = open_right({.file = here.file, .bytes_max = 1U << 20});
  blocking_store calls(*store);
  const auto refused = calls.set("key", std::string(200'000, 'v'));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, error_code::too_large);
}

// --- damaged files

class damaged_file : public testing::Test {
 protected:
  static constexpr int entries = 3'000;

  void SetUp() override {
    const auto store = open_right(settings);
    blocking_store calls(*store);
    for (int number = 0; number < entries; ++number)
      static_cast<void>(
          calls.set(name_of(number), enveloped(number, number % 10 == 0 ? 9'000 : 700)));
    // Free pages, too.
    for (int number = 0; number < entries; number += 7) calls.remove({name_of(number)});
    for (int number = 0; number < entries; number += 70)
      calls.set(name_of(number), enveloped(number, 20));
  }
  [[nodiscard]] std::string read() const {
    std::ifstream stream(here.file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void replace(std::string_view bytes) const {
    std::ofstream stream(here.file, std::ios::binary | std::ios::trunc);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  // Opens it, whatever it is, within a second, and can be used; what it gives is right.
  bool use_it() const {
    const auto before = system_clock().now();
    auto made = open(settings);
    EXPECT_TRUE(made.has_value()) << made.error().describe();
    if (!made) return false;
    EXPECT_LT(system_clock().now() - before, seconds(1));
    blocking_store calls(*made->store);
    for (int number = 0; number < entries; number += 3) {
      const auto stored = calls.get(name_of(number));
      if (!stored || !*stored) continue;
      const auto opened = swr::open_envelope(**stored, {.key = swr::identity_of(name_of(number))});
      if (!opened) continue;
      EXPECT_EQ(std::string(opened->value).back(), std::to_string(number).back());
    }
    EXPECT_TRUE(calls.set("new", "value").has_value());
    EXPECT_EQ(calls.get("new"), "value");
    return made->set_aside.has_value();
  }

  place here;
  options settings{.file = here.file, .bytes_max = 64U << 20};
};

TEST_F(damaged_file, is_told_from_one_that_is_right) {
  EXPECT_TRUE(check_file(here.file).has_value()) << check_file(here.file).error();
  EXPECT_TRUE(check_file(here.folder.path() / "not there").has_value());
  EXPECT_FALSE(use_it());
}

TEST_F(damaged_file, that_is_somebody_elses_is_set_aside) {
  replace("SQLite format 3 and much more");
  EXPECT_TRUE(use_it());
  EXPECT_TRUE(std::filesystem::exists(here.file.string() + ".damaged"));
  replace(std::string(100'000, 'x'));
  EXPECT_TRUE(use_it());
  replace("");
  EXPECT_FALSE(use_it()) << "an empty one is a new one";
}

TEST_F(damaged_file, that_can_neither_be_moved_nor_removed_is_an_error) {
  std::filesystem::remove(here.file);
  for (const char* const ending : {"", ".damaged"}) {
    const auto in_the_way = std::filesystem::path(here.file.string() + ending);
    std::filesystem::create_directories(in_the_way / "something");
  }
  const auto made = open(settings);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, error_code::permission_denied) << made.error().describe();
  EXPECT_EQ(made.error().place, here.file.string());
}

TEST_F(damaged_file, that_was_cut_off_is_no_more_than_a_miss) {
  const std::string right = read();
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) {
    replace(std::string_view(right).substr(0, random() % right.size()));
    use_it();
  }
}

TEST_F(damaged_file, with_bytes_changed_is_no_more_than_a_miss) {
  const std::string right = read();
  std::mt19937_64 random(2);
  int set_aside = 0;
  for (int round = 0; round < 300; ++round) {
    std::string bytes = right;
    for (std::size_t change = 0; change < 1U + random() % 20; ++change) {
      // In what LMDB reads, mostly: the beginnings and the ends of pages.
      const std::size_t page = random() % (bytes.size() / 4'096);
      const std::size_t within = random() % 4 == 0 ? random() % 4'096 : random() % 64;
      bytes[page * 4'096 + within] = static_cast<char>(random());
    }
    replace(bytes);
    set_aside += static_cast<int>(use_it());
  }
  EXPECT_GT(set_aside, 100);
}

TEST_F(damaged_file, with_pages_mixed_up_is_no_more_than_a_miss) {
  const std::string right = read();
  std::mt19937_64 random(3);
  for (int round = 0; round < 100; ++round) {
    std::string bytes = right;
    const std::size_t pages = bytes.size() / 4'096;
    bytes.replace(random() % pages * 4'096, 4'096, right, random() % pages * 4'096, 4'096);
    replace(bytes);
    use_it();
  }
}

TEST_F(damaged_file, that_is_gone_is_a_new_one) {
  std::filesystem::remove(here.file);
  EXPECT_FALSE(use_it());
}

TEST(lmdb_tier, poisoned_entries_are_misses) {
  const test::temp_folder folder;
  auto opened = open({.file = folder / "cache.lmdb", .bytes_max = 8U << 20});
  ASSERT_TRUE(opened.has_value()) << opened.error().describe();
  swr::testing::expect_poisoned_entries_are_misses(std::move(opened->store), 2'000);
}

}  // namespace
}  // namespace lodestar::lmdb_tier
