// Goal: memory_used() is exactly what the cache has allocated, whatever happened to it; and what it
// needs for an entry, beside the key and the value, is little. A program of its own, since it
// replaces the operators new and delete to count.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/cache.hpp>

namespace {

std::atomic<std::size_t> bytes_allocated{0};

/// Lies before each allocation.
struct header {
  void* block;
  std::size_t bytes;
};

void* allocate(std::size_t bytes, std::size_t alignment) {
  alignment = std::max(alignment, sizeof(header));
  std::size_t space = bytes + alignment;
  void* const block = std::malloc(space + sizeof(header));
  if (block == nullptr) throw std::bad_alloc();
  void* place = static_cast<std::byte*>(block) + sizeof(header);
  std::align(alignment, bytes, place, space);
  static_cast<header*>(place)[-1] = {block, bytes};
  bytes_allocated.fetch_add(bytes, std::memory_order_relaxed);
  return place;
}

void release(void* place) noexcept {
  if (place == nullptr) return;
  const header freed = static_cast<header*>(place)[-1];
  bytes_allocated.fetch_sub(freed.bytes, std::memory_order_relaxed);
  std::free(freed.block);
}

constexpr std::size_t usual = alignof(std::max_align_t);

}  // namespace

// All of them: the sanitizers have their own of those that are left out.
void* operator new(std::size_t bytes) {
  return allocate(bytes, usual);
}
void* operator new[](std::size_t bytes) {
  return allocate(bytes, usual);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept try {
  return allocate(bytes, usual);
} catch (const std::bad_alloc&) {
  return nullptr;
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept
    try {
  return allocate(bytes, static_cast<std::size_t>(alignment));
} catch (const std::bad_alloc&) {
  return nullptr;
}
void operator delete(void* place) noexcept {
  release(place);
}
void operator delete[](void* place) noexcept {
  release(place);
}
void operator delete(void* place, std::size_t) noexcept {
  release(place);
}
void operator delete[](void* place, std::size_t) noexcept {
  release(place);
}
void operator delete(void* place, std::align_val_t) noexcept {
  release(place);
}
void operator delete[](void* place, std::align_val_t) noexcept {
  release(place);
}
void operator delete(void* place, std::size_t, std::align_val_t) noexcept {
  release(place);
}
void operator delete[](void* place, std::size_t, std::align_val_t) noexcept {
  release(place);
}
void operator delete(void* place, const std::nothrow_t&) noexcept {
  release(place);
}
void operator delete(void* place, std::align_val_t, const std::nothrow_t&) noexcept {
  release(place);
}

namespace lodestar::cache {
namespace {

using std::chrono::seconds;

/// A cache, and what was allocated since before it was made.
template <class Key, class Value>
class measured {
 public:
  using tested = cache<Key, Value>;

  explicit measured(typename tested::options_type settings) {
    // What a thread needs once, for all caches.
    cache<int, int>({.entries_max = 1}).insert(1, 1);
    before_ = bytes_allocated.load();
    cache_ = std::make_unique<tested>(std::move(settings));
  }
  [[nodiscard]] tested& operator*() { return *cache_; }
  [[nodiscard]] tested* operator->() { return cache_.get(); }

  /// With what keys and values have allocated.
  [[nodiscard]] std::size_t counted() const { return bytes_allocated.load() - before_; }
  void expect_exact(const char* when, std::size_t of_keys_and_values = 0) {
    const std::size_t bytes = counted();
    EXPECT_EQ(cache_->memory_used() + of_keys_and_values, bytes) << when;
  }

 private:
  std::size_t before_ = 0;
  std::unique_ptr<tested> cache_;
};

/// Every moment that may make a difference, with keys and values that allocate nothing.
template <class Key, class Value>
void expect_exact_throughout(typename cache<Key, Value>::options_type settings) {
  const auto key_of = [](int number) {
    if constexpr (std::is_same_v<Key, std::string>) {
      return std::to_string(number);
    } else {
      return static_cast<Key>(number);
    }
  };
  measured<Key, Value> values(settings);
  values.expect_exact("empty");
  values->insert(key_of(1), Value{});
  values.expect_exact("one entry");
  for (int number = 0; number < 1'500; ++number) values->insert(key_of(number), Value{});
  values.expect_exact("while it grows");
  for (int number = 0; number < 20'000; ++number) values->insert(key_of(number), Value{});
  values.expect_exact("full");
  for (int number = 10'000; number < 20'000; ++number) {
    static_cast<void>(values->get(key_of(number)));
    if (number % 2 == 0) values->insert(key_of(number), Value{});
    if (number % 3 == 0) values->remove(key_of(number));
  }
  values.expect_exact("after removals");
  values->maintain();
  values.expect_exact("after maintenance");
  values->resize(20'000);
  for (int number = 0; number < 30'000; ++number) values->insert(key_of(number), Value{});
  values.expect_exact("after growth");
  values->resize(100);
  values.expect_exact("after it was made smaller");
  values->clear();
  values.expect_exact("cleared");
  values->maintain();
  values.expect_exact("cleared and maintained");
}

TEST(cache_memory, is_known_exactly_with_values_in_place) {
  expect_exact_throughout<int, int>({.entries_max = 10'000});
  expect_exact_throughout<std::uint64_t, std::uint64_t>(
      {.entries_max = 10'000, .statistics = true});
}

TEST(cache_memory, is_known_exactly_with_values_in_boxes) {
  expect_exact_throughout<std::string, std::string>({.entries_max = 10'000});
  expect_exact_throughout<std::string, int>({.entries_max = 10'000, .destroys_in_maintain = true});
}

TEST(cache_memory, is_known_exactly_with_every_column) {
  inline_executor background;
  const auto weigh = [](int, int) { return std::size_t{1}; };
  expect_exact_throughout<int, int>({.entries_max = 10'000, .time_to_live = seconds(100)});
  expect_exact_throughout<int, int>({.weight_max = 10'000,
                                     .weigher = weigh,
                                     .time_to_live = seconds(100),
                                     .time_to_idle = seconds(10),
                                     .refresh_after = seconds(1),
                                     .background = &background});
}

TEST(cache_memory, includes_the_errors_that_are_kept) {
  measured<int, int> values({.entries_max = 100, .failure_time_to_live = seconds(100)});
  values.expect_exact("empty");
  const auto failing = [](int) -> result<int> { return fail(error_code::not_found, "none"); };
  for (int key = 0; key < 3'000; ++key) static_cast<void>(values->get_or_load(key, failing));
  values.expect_exact("with errors");
  values->clear();
  values.expect_exact("cleared");
}

TEST(cache_memory, includes_loads_under_way) {
  measured<int, int> values({.entries_max = 100});
  const auto nested = [&](int key) {
    values.expect_exact("one load");
    return values->get_or_load(key + 1, [&](int) {
      values.expect_exact("two loads");
      values->clear();
      return 7;
    });
  };
  EXPECT_EQ(values->get_or_load(1, nested), 7);
  values.expect_exact("none");
}

TEST(cache_memory, includes_what_readers_may_still_look_at) {
  measured<int, std::string> values({.entries_max = 100'000});
  values->insert(0, "held");
  values->with(0, [&](const std::string&) {
    for (int key = 1; key < 20'000; ++key) values->insert(key, "short");
    values.expect_exact("outgrown tables wait");
    values->clear();
    values.expect_exact("values wait");
  });
  values->maintain();
  values.expect_exact("nobody reads");
}

TEST(cache_memory, leaves_out_what_keys_and_values_allocate) {
  measured<int, std::string> values({.entries_max = 1'000});
  const std::size_t of_a_value = std::string(100, 'v').capacity() + 1;
  for (int key = 0; key < 5'000; ++key) values->insert(key, std::string(100, 'v'));
  values->maintain();
  values.expect_exact("full", 1'000 * of_a_value);
  for (int key = 0; key < 5'000; ++key) values->remove(key);
  values->maintain();
  values.expect_exact("empty again");
}

using eight_bytes = measured<std::uint64_t, std::uint64_t>;
double metadata_of_an_entry(eight_bytes& values) {
  const std::size_t content = values->size() * 2 * sizeof(std::uint64_t);
  return static_cast<double>(values.counted() - content) / static_cast<double>(values->size());
}

TEST(cache_memory, of_an_entry_that_expires_is_at_most_40_bytes_beside_key_and_value) {
  constexpr std::size_t entries = 1'000'000;
  eight_bytes values({.entries_max = entries, .time_to_live = std::chrono::hours(1)});
  for (std::uint64_t number = 0; number < entries + entries / 10; ++number)
    values->insert(number, number);
  ASSERT_EQ(values->size(), entries);
  values->maintain();
  const double metadata = metadata_of_an_entry(values);
  values.expect_exact("full");
  EXPECT_LE(metadata, 40.0);
  RecordProperty("metadata_bytes", std::to_string(metadata));
}

TEST(cache_memory, of_an_entry_does_not_grow_while_entries_come_and_go) {
  constexpr std::size_t entries = 100'000;
  eight_bytes values({.entries_max = entries, .time_to_live = std::chrono::hours(1)});
  for (std::uint64_t number = 0; number < 2 * entries; ++number) values->insert(number, number);
  values->maintain();
  const double at_first = metadata_of_an_entry(values);
  for (std::uint64_t number = 2 * entries; number < 20 * entries; ++number)
    values->insert(number, number);
  values->maintain();
  EXPECT_LE(metadata_of_an_entry(values), at_first + 0.5);
}

TEST(cache_memory, of_an_entry_is_the_same_at_whatever_distance_the_keys_are) {
  constexpr std::size_t entries = 50'000;
  for (const std::uint64_t distance : {1ULL, 8ULL, 1'000ULL, 1ULL << 20U, 1ULL << 32U}) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      seeded_random random(seed);
      eight_bytes values({.entries_max = entries, .random = &random});
      for (std::uint64_t number = 0; number < entries; ++number)
        values->insert(number * distance, number);
      EXPECT_LE(metadata_of_an_entry(values), 40.0) << distance << " with the secret " << seed;
    }
  }
}

}  // namespace
}  // namespace lodestar::cache
