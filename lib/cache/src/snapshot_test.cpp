// Snapshots: what is saved comes back with its times, weights and heat.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/cache/snapshot.hpp>

#include "thread_team.hpp"

namespace lodestar::cache {
namespace {

using std::chrono::seconds;
using numbers = cache<int, int>;
using texts = cache<std::string, std::string>;

template <class Cache>
auto content_of(const Cache& of) {
  std::map<typename Cache::key_type, typename Cache::value_type> content;
  of.for_each([&](const auto& key, const auto& value) { content.emplace(key, value); });
  return content;
}

template <class Cache>
std::string saved(const Cache& from) {
  std::ostringstream bytes;
  const auto done = save_snapshot(from, bytes);
  EXPECT_TRUE(done.has_value()) << done.error().describe();
  EXPECT_EQ(done->bytes, bytes.str().size());
  return bytes.str();
}

template <class Cache>
snapshot_loaded load(Cache& into, const std::string& bytes) {
  std::istringstream stream(bytes);
  const auto done = load_snapshot(into, stream);
  EXPECT_TRUE(done.has_value()) << done.error().describe();
  into.validate();
  return done.value_or(snapshot_loaded{});
}

struct place {
  double latitude;
  char letter;  // Padding follows.
  std::int32_t height;
  friend bool operator==(const place&, const place&) = default;
};

TEST(cache_snapshot, brings_back_keys_and_values_of_every_kind) {
  const auto round_trip = [](auto& from, auto& into) {
    EXPECT_EQ(load(into, saved(from)).entries, from.size());
    EXPECT_EQ(content_of(into), content_of(from));
    from.validate();
  };
  numbers in_place({.entries_max = 5'000}), in_place_again({.entries_max = 5'000});
  for (int key = 0; key < 5'000; ++key) in_place.insert(key, key * key);
  round_trip(in_place, in_place_again);
  texts boxed({.entries_max = 300}), boxed_again({.entries_max = 300});
  for (std::size_t key = 0; key < 300; ++key)
    boxed.insert(std::to_string(key), std::string(key * 10, 'x'));  // in several blocks
  round_trip(boxed, boxed_again);
  cache<std::string, place> mixed({.entries_max = 10}), mixed_again({.entries_max = 10});
  mixed.insert("", {.latitude = 1.5, .letter = 'a', .height = -3});
  round_trip(mixed, mixed_again);
  numbers empty({.entries_max = 10}), empty_again({.entries_max = 10});
  round_trip(empty, empty_again);
}

TEST(cache_snapshot, is_the_same_for_the_same_content) {
  // Goal: not even padding, which may hold anything, makes a difference.
  manual_clock time;
  const auto make = [&time](unsigned char garbage) {
    seeded_random random(1);
    cache<int, place> values({.entries_max = 10, .time = &time, .random = &random});
    alignas(place) unsigned char bytes[sizeof(place)];
    std::fill(std::begin(bytes), std::end(bytes), garbage);
    auto* const value = new (bytes) place;
    value->latitude = 1;
    value->letter = 'a';
    value->height = 2;
    values.insert(1, *value);
    return saved(values);
  };
  EXPECT_EQ(make(0x00), make(0xFF));
}

TEST(cache_snapshot, keeps_what_is_left_of_the_time) {
  manual_clock before(1'000'000'000), after(1'000'000'000);
  const auto settings = [](clock& time) {
    return numbers::options_type{.entries_max = 10, .time_to_live = seconds(10), .time = &time};
  };
  numbers old(settings(before));
  old.insert(1, 1);
  before.advance(seconds(5));
  old.insert(2, 2);
  before.advance(seconds(1));
  const std::string bytes = saved(old);  // 4 and 9 seconds left, at 6
  after.advance(seconds(6));

  numbers at_once(settings(after));
  EXPECT_EQ(load(at_once, bytes).entries, 2U);
  after.advance(seconds(3));
  EXPECT_TRUE(at_once.contains(1));
  after.advance(seconds(2));  // at 11
  EXPECT_FALSE(at_once.contains(1));
  EXPECT_TRUE(at_once.contains(2));

  numbers later(settings(after));
  const auto loaded = load(later, bytes);
  EXPECT_EQ(loaded.entries, 1U);
  EXPECT_EQ(loaded.expired, 1U) << "while the process was down";
  after.advance(seconds(3));
  EXPECT_TRUE(later.contains(2));
  after.advance(seconds(2));
  EXPECT_FALSE(later.contains(2));

  after.set_wall_us(0);
  numbers back(settings(after));
  EXPECT_EQ(load(back, bytes).entries, 2U) << "a clock that went back took no time";
  back.validate();
}

TEST(cache_snapshot, gives_no_entry_more_time_than_the_options_of_either_cache) {
  manual_clock time;
  const auto timed = [&time](seconds live, seconds idle) {
    return numbers::options_type{
        .entries_max = 10, .time_to_live = live, .time_to_idle = idle, .time = &time};
  };
  numbers old(timed(seconds(100), seconds(10)));
  old.insert(1, 1);
  for (int round = 0; round < 18; ++round) {
    time.advance(seconds(5));
    EXPECT_TRUE(old.get(1));
  }
  const std::string bytes = saved(old);  // at 90: idle until 100, at the latest until 100
  numbers same(timed(seconds(100), seconds(10)));
  numbers short_lived({.entries_max = 10, .time_to_live = seconds(3), .time = &time});
  numbers for_ever({.entries_max = 10, .time = &time});
  EXPECT_EQ(load(same, bytes).entries, 1U);
  EXPECT_EQ(load(short_lived, bytes).entries, 1U);
  EXPECT_EQ(load(for_ever, bytes).refused, 1U);
  time.advance(seconds(4));
  EXPECT_FALSE(short_lived.contains(1));
  EXPECT_TRUE(same.get(1));
  time.advance(seconds(7));
  EXPECT_FALSE(same.contains(1)) << "no use may prolong it beyond 100";
}

TEST(cache_snapshot, keeps_the_age_after_which_an_entry_is_loaded_anew) {
  manual_clock before(0), after(0);
  manual_executor background;
  const auto settings = [&](clock& time) {
    return numbers::options_type{
        .entries_max = 10, .refresh_after = seconds(10), .background = &background, .time = &time};
  };
  numbers old(settings(before));
  before.advance(seconds(100));
  after.advance(seconds(100));
  old.insert(1, 1);
  before.advance(seconds(4));
  after.advance(seconds(6));  // 2 more
  const std::string bytes = saved(old);
  numbers warm(settings(after));
  load(warm, bytes);
  const auto loader = [](int) { return 2; };
  after.advance(seconds(3));
  EXPECT_EQ(warm.get_or_load(1, loader), 1);
  EXPECT_EQ(background.pending(), 0U);
  // Once more, from a cache that is younger than its entry.
  const std::string again = saved(warm);
  numbers warmer(settings(after));
  load(warmer, again);
  after.advance(seconds(2));  // 11 after it was written
  EXPECT_EQ(warmer.get_or_load(1, loader), 1);
  EXPECT_EQ(background.run_all(), 1U);
  EXPECT_EQ(warmer.get(1), 2);
}

TEST(cache_snapshot, weighs_anew_and_pins_again) {
  const texts::options_type settings{
      .weight_max = 1'000, .weigher = [](const std::string& key, const std::string& value) {
        return key.starts_with("pinned") ? std::size_t{0} : value.size();
      }};
  texts old(settings), warm(settings), small({.weight_max = 100, .weigher = settings.weigher});
  for (int key = 0; key < 10; ++key) {
    old.insert(std::to_string(key), std::string(50, 'x'));
    old.insert("pinned " + std::to_string(key), std::string(50, 'x'));
  }
  const std::string bytes = saved(old);
  EXPECT_EQ(load(warm, bytes).entries, 20U);
  EXPECT_EQ(warm.weight(), 500U);
  EXPECT_EQ(content_of(warm), content_of(old));
  const auto loaded = load(small, bytes);
  EXPECT_EQ(loaded.entries, 12U) << "those that weigh nothing always fit";
  EXPECT_EQ(loaded.colder, 8U);
  EXPECT_EQ(small.weight(), 100U);
}

TEST(cache_snapshot, refuses_what_is_too_heavy_now) {
  texts old({.entries_max = 10});
  old.insert("light", "x");
  old.insert("heavy", std::string(100, 'x'));
  texts warm({.weight_max = 50, .weigher = [](const std::string&, const std::string& value) {
                return value.size();
              }});
  const auto loaded = load(warm, saved(old));
  EXPECT_EQ(loaded.entries, 1U);
  EXPECT_EQ(loaded.refused, 1U);
  EXPECT_TRUE(warm.contains("light"));
}

TEST(cache_snapshot, leaves_what_is_present) {
  numbers old({.entries_max = 10}), warm({.entries_max = 10});
  old.insert(1, 1);
  old.insert(2, 2);
  warm.insert(1, 100);
  const auto loaded = load(warm, saved(old));
  EXPECT_EQ(loaded.entries, 1U);
  EXPECT_EQ(loaded.present, 1U);
  EXPECT_EQ(warm.get(1), 100);
}

TEST(cache_snapshot, leaves_out_what_has_expired) {
  manual_clock time;
  numbers old({.entries_max = 10, .time_to_live = seconds(10), .time = &time});
  old.insert(1, 1);
  time.advance(seconds(11));
  EXPECT_EQ(old.size(), 1U);
  numbers warm({.entries_max = 10, .time_to_live = seconds(10), .time = &time});
  const auto loaded = load(warm, saved(old));
  EXPECT_EQ(loaded.entries + loaded.expired, 0U);
}

/// Keys of a Zipf distribution with exponent 1.
class zipf_keys {
 public:
  zipf_keys(int keys, unsigned seed) : random_(seed) {
    std::vector<double> shares;
    for (int key = 1; key <= keys; ++key) shares.push_back(1.0 / key);
    share_ = std::discrete_distribution<int>(shares.begin(), shares.end());
  }
  int operator()() { return share_(random_); }

 private:
  std::mt19937 random_;
  std::discrete_distribution<int> share_;
};

double hit_percent(numbers& values, zipf_keys keys, int accesses) {
  int hits = 0;
  for (int each = 0; each < accesses; ++each) {
    const int key = keys();
    if (values.get(key)) {
      ++hits;
    } else {
      values.insert(key, key);
    }
  }
  return 100.0 * hits / accesses;
}

TEST(cache_snapshot, warms_a_cache_so_that_it_hits_as_often_as_before) {
  constexpr int keys = 10'000, accesses = 2'000;
  for (const std::size_t entries : {std::size_t{200}, std::size_t{1'000}, std::size_t{4'000}}) {
    seeded_random random(1);
    const auto of = [&random](std::size_t count) {
      return numbers::options_type{.entries_max = count, .random = &random};
    };
    numbers old(of(entries)), warm(of(entries)), cold(of(entries));
    numbers old_small(of(entries / 2)), small(of(entries / 2));
    hit_percent(old, zipf_keys(keys, 1), 100'000);
    hit_percent(old_small, zipf_keys(keys, 1), 100'000);
    const std::string bytes = saved(old);
    EXPECT_EQ(load(warm, bytes).entries, entries);
    EXPECT_EQ(load(small, bytes).entries, entries / 2);
    const zipf_keys next(keys, 2);
    const double before = hit_percent(old, next, accesses);
    EXPECT_NEAR(hit_percent(warm, next, accesses), before, 2) << entries;
    EXPECT_LT(hit_percent(cold, next, accesses), before - 5) << entries;
    EXPECT_GT(hit_percent(small, next, accesses), hit_percent(old_small, next, accesses) - 2)
        << entries;
    warm.validate();
  }
}

TEST(cache_snapshot, teaches_what_the_policy_had_learnt) {
  // Goal: keys that are used for a while and then never again want a large window, which a policy
  // must find out first.
  constexpr int entries = 4'000;
  seeded_random random(1);
  const numbers::options_type settings{.entries_max = entries, .random = &random};
  numbers old(settings), warm(settings);
  std::mt19937 keys(1);
  std::uniform_real_distribution<double> share(0, 1);
  int newest = 0;
  const auto next = [&] {
    newest += keys() % 3 == 0 ? 1 : 0;
    const double back = share(keys);
    return newest - static_cast<int>(back * back * 1.5 * entries);
  };
  const auto hits = [](numbers& values, const std::vector<int>& trace) {
    int count = 0;
    for (const int key : trace) {
      if (values.get(key)) {
        ++count;
      } else {
        values.insert(key, key);
      }
    }
    return count;
  };
  std::vector<int> before(100'000), after(2'000);
  std::generate(before.begin(), before.end(), next);
  std::generate(after.begin(), after.end(), next);
  hits(old, before);
  load(warm, saved(old));
  EXPECT_NEAR(hits(warm, after), hits(old, after), 40) << "2 % of the accesses";
  warm.validate();
}

TEST(cache_snapshot, holds_the_coldest_first_and_keeps_their_order) {
  texts old({.entries_max = 100}), warm({.entries_max = 100});
  zipf_keys keys(300, 1);
  for (int each = 0; each < 3'000; ++each) {
    const std::string key = std::to_string(keys());
    if (!old.get(key)) old.insert(key, key);
  }
  load(warm, saved(old));
  const auto share = [](const auto& some, const auto& others) {
    return std::count_if(some.begin(), some.end(), [&](const auto& each) {
      return std::find(others.begin(), others.end(), each) != others.end();
    });
  };
  EXPECT_GE(share(warm.hottest(30), old.hottest(30)), 25);
  EXPECT_GE(share(warm.coldest(30), old.coldest(30)), 25);
}

/// Calls the cache while it encodes: under its lock that would never return.
struct curious_codec {
  const texts* owner;
  void encode(const std::string& value, std::string& bytes) const {
    static_cast<void>(owner->stats());
    bytes += value;
  }
  [[nodiscard]] static result<std::string> decode(std::string_view bytes) {
    return std::string(bytes);
  }
};

TEST(cache_snapshot, encodes_and_writes_without_the_lock) {
  texts values({.entries_max = 1'000});
  for (int key = 0; key < 1'000; ++key) values.insert(std::to_string(key), std::string(200, 'x'));
  const byte_sink sink = [&values](std::string_view) -> result<void> {
    values.insert("written meanwhile", "x");
    return {};
  };
  const snapshot_codecs<curious_codec, curious_codec> codecs{{&values}, {&values}};
  const auto done = save_snapshot(values, sink, codecs);
  ASSERT_TRUE(done.has_value());
  EXPECT_GE(done->entries, 999U);
  values.validate();
}

/// A value of several words, of which a reader may meet some.
struct three {
  std::uint64_t one, two, sum;
};

template <class Value, class Make, class Check>
void save_while_others_write(Make make, Check check) {
  using values_type = cache<std::uint64_t, Value>;
  values_type values({.entries_max = 2'000});
  for (std::uint64_t key = 0; key < 2'000; ++key) values.insert(key, make(key, 0));
  std::atomic<bool> ended = false;
  thread_team team(3);
  team.run([&](std::size_t me) {
    if (me == 0) {
      for (int round = 0; round < 30; ++round) {
        const std::string bytes = saved(values);
        values_type warm({.entries_max = 4'000});
        EXPECT_GT(load(warm, bytes).entries, 1'000U);
        warm.for_each(
            [&](std::uint64_t key, const Value& value) { EXPECT_TRUE(check(key, value)); });
      }
      ended = true;
      return;
    }
    for (std::uint64_t step = 0; !ended; ++step) {
      const std::uint64_t key = (step * 7 + me) % 3'000;
      values.insert(key, make(key, step));
      if (step % 5 == 0) values.remove((step * 3) % 3'000);
    }
  });
  values.validate();
}

TEST(cache_snapshot, holds_whole_values_that_others_write_meanwhile) {
  save_while_others_write<three>(
      [](std::uint64_t key, std::uint64_t step) { return three{key, step, key + step}; },
      [](std::uint64_t key, const three& value) {
        return value.one == key && value.sum == value.one + value.two;
      });
  save_while_others_write<std::string>(
      [](std::uint64_t key, std::uint64_t) { return std::to_string(key); },
      [](std::uint64_t key, const std::string& value) { return value == std::to_string(key); });
}

}  // namespace
}  // namespace lodestar::cache
