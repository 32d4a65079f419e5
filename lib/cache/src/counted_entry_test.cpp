// Goal: a cache of counted entries is a cache as any other, keeps nothing beside them, and destroys
// none that somebody can still have.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/cache/cache.hpp>
#include <lodestar/cache/counted_entry.hpp>

namespace lodestar::cache {
namespace {

using std::chrono::seconds;

/// Counts those that are alive.
struct page : counted_entry<page, std::string> {
  page(std::string path, int number, std::atomic<int>& alive_now)
      : counted_entry(std::move(path)), version(number), alive(alive_now) {
    ++alive;
  }
  ~page() {
    version = -1;
    --alive;
  }
  int version;
  std::atomic<int>& alive;
};
using pointer = entry_pointer<page>;
using pages = cache<std::string, pointer>;

class cache_counted_entry : public testing::Test {
 protected:
  void insert(pages& into, const std::string& path, int version = 1) {
    const auto made = pointer::make(path, version, alive_);
    into.insert(made->key(), made);
  }
  static int version_of(pages& in, const std::string& path) {
    const auto found = in.get(path);
    return found ? (*found)->version : 0;
  }
  std::atomic<int> alive_{0};
};

TEST_F(cache_counted_entry, is_found_replaced_and_removed) {
  pages all({.entries_max = 100});
  insert(all, "/");
  EXPECT_EQ(version_of(all, "/"), 1);
  insert(all, "/", 2);
  EXPECT_EQ(version_of(all, "/"), 2);
  int seen = 0;
  EXPECT_TRUE(all.with("/", [&](const pointer& each) { seen = each->version; }));
  EXPECT_EQ(seen, 2);
  EXPECT_TRUE(all.remove("/"));
  EXPECT_EQ(version_of(all, "/"), 0);
  all.maintain();
  EXPECT_EQ(alive_, 0);
}

TEST_F(cache_counted_entry, stays_for_whoever_holds_it) {
  std::optional<pages> all(std::in_place, pages::options_type{.entries_max = 100});
  insert(*all, "/");
  insert(*all, "/other");
  const pointer held = all->get("/").value_or(nullptr);
  all->remove("/");
  all->maintain();
  ASSERT_TRUE(held);
  EXPECT_EQ(held->version, 1);
  EXPECT_EQ(held->key(), "/");
  all.reset();
  EXPECT_EQ(alive_, 1) << "the other went with the cache";
}

TEST_F(cache_counted_entry, goes_when_it_is_evicted_or_refused) {
  pages all({.entries_max = 10});
  for (int index = 0; index < 1'000; ++index) insert(all, std::to_string(index));
  all.maintain();
  EXPECT_EQ(alive_, 10);
  all.validate();
  pages heavy({.weight_max = 1, .weigher = [](const auto&, const auto&) { return 2UL; }});
  insert(heavy, "/");
  heavy.maintain();
  EXPECT_EQ(alive_, 10);
}

TEST_F(cache_counted_entry, is_stored_once) {
  pages all({.entries_max = 10});
  insert(all, "/");
  const pointer held = all.get("/").value_or(nullptr);
  all.remove("/");
  EXPECT_DEATH(all.insert(held->key(), held), "stored once");
  EXPECT_DEATH(all.insert("/", nullptr), "null");
}

TEST_F(cache_counted_entry, is_seen_by_visitors_when_its_time_is_over) {
  manual_clock time;
  pages all({.entries_max = 10, .time_to_live = seconds(1), .time = &time});
  insert(all, "/");
  const auto visited = [&all](const std::string& path) {
    return all.visit_even_expired(
        path, [](const pointer& each) { return each->version; }, [] { return 0; });
  };
  EXPECT_EQ(visited("/"), 1);
  EXPECT_EQ(visited("/other"), 0);
  time.advance(seconds(2));
  EXPECT_FALSE(all.get("/").has_value());
  EXPECT_EQ(visited("/"), 1);
  all.maintain();
  EXPECT_EQ(visited("/"), 0) << "it was removed";
}

// Readers copy pointers out of a cache whose entries are replaced, removed and evicted: each is
// alive as long as somebody has it, and is the one of its key.
TEST_F(cache_counted_entry, is_alive_while_threads_have_it) {
  constexpr int keys = 20;
  {
    pages all({.entries_max = keys / 2});
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    std::atomic<std::uint64_t> hits{0};
    std::vector<std::thread> threads;
    for (int reader = 0; reader < 2; ++reader) {
      threads.emplace_back([&] {
        std::vector<pointer> held(keys);
        for (std::size_t round = 0; !stop; ++round) {
          const std::size_t key = round % keys;
          if (held[key] && (held[key]->version <= 0 || held[key]->key() != std::to_string(key)))
            ++wrong;
          held[key] = all.get(std::to_string(key)).value_or(nullptr);
          if (held[key]) ++hits;
        }
      });
    }
    for (int round = 1; round < 40'000 || hits == 0; ++round) {
      const std::string key = std::to_string(round % keys);
      if (round % 7 == 0) {
        all.remove(key);
      } else {
        insert(all, key, round);
      }
    }
    stop = true;
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(wrong, 0);
    all.validate();
  }
  EXPECT_EQ(alive_, 0);
}

}  // namespace
}  // namespace lodestar::cache
