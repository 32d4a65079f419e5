// Damages entries in a store in every way that is likely or spiteful, and looks whether a cache
// over it takes one for an entry: flipped bits, pieces cut off or added, the entry of another key,
// other versions, huge lengths. Each must be a miss, be counted and be deleted.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include <lodestar/swr/cache.hpp>
#include <lodestar/swr/testing/blocking_store.hpp>

namespace lodestar::swr::testing {

/// One way to damage an entry; `other` is the right entry of another key.
[[nodiscard]] inline std::string poisoned(const std::string& right, const std::string& other,
                                          std::mt19937_64& random) {
  std::string bytes = right;
  const auto any_place = [&] { return static_cast<std::size_t>(random() % bytes.size()); };
  const auto set_length = [&](std::size_t at) {
    const std::uint32_t huge = 0xFFFFFFF0U + static_cast<std::uint32_t>(random() % 16);
    for (std::size_t byte = 0; byte < 4; ++byte)
      bytes[at + byte] = static_cast<char>(huge >> (8 * byte));
  };
  switch (random() % 8) {
    case 0:
    case 1: bytes[any_place()] ^= static_cast<char>(1U << (random() % 8)); return bytes;
    case 2: return bytes.substr(0, any_place());
    case 3: return bytes + std::string(1 + random() % 100, static_cast<char>(random()));
    case 4: return other;
    case 5: bytes[4 + random() % 2] ^= static_cast<char>(1 + random() % 255); return bytes;
    case 6: set_length(96 + 4 * (random() % 3)); return bytes;
    default: {
      std::string noise(1 + random() % 2'000, '\0');
      for (char& each : noise) each = static_cast<char>(random());
      return noise;
    }
  }
}

/// `below` is used through its own interface alone.
inline void expect_poisoned_entries_are_misses(const std::shared_ptr<store>& below, int cases) {
  using texts = cache<std::string, std::string>;
  blocking_store calls(*below);
  const auto open = [&](const std::shared_ptr<tiers>& over) {
    return std::make_unique<texts>(texts::options_type{.name = "poisoned", .below = over});
  };
  {
    const auto over = tiers::make({.tiers = {{.below = below, .read_timeout_ms = 5'000}}});
    const auto writer = open(over);
    for (const char* key : {"right", "other"}) {
      awaited_answer<void> told;
      writer->set(key, {.value = std::string(300, key[0]), .tags = {"a tag"}}, {}, told.handler());
      ASSERT_TRUE(told.wait().has_value());
    }
  }
  const std::string stored = stored_key("poisoned", "right");
  const auto right = calls.get(stored);
  const auto other = calls.get(stored_key("poisoned", "other"));
  ASSERT_TRUE(right.has_value() && *right && other.has_value() && *other);

  const auto over = tiers::make({.tiers = {{.below = below, .read_timeout_ms = 5'000}}});
  const auto values = open(over);
  const auto read = [&] {
    awaited_answer<std::optional<std::string>> found;
    values->get("right", {.skip_read = tier_set::memory(), .skip_write = tier_set::memory()}, {},
                [tell = found.handler()](const result<answer<std::string>>& what) {
                  using outcome = result<std::optional<std::string>>;
                  tell(what ? outcome(what->value) : outcome(std::nullopt));
                });
    return found.wait();
  };
  std::mt19937_64 random(1);
  std::uint64_t damaged = 0;
  for (int round = 0; round < cases; ++round) {
    const std::string bytes = poisoned(**right, **other, random);
    if (bytes == **right || bytes.empty()) continue;
    ++damaged;
    ASSERT_TRUE(calls.set(stored, bytes).has_value());
    const auto found = read();
    ASSERT_TRUE(found.has_value()) << found.error().describe();
    ASSERT_EQ(*found, std::nullopt) << "case " << round << ": a wrong value";
    ASSERT_EQ(over->stats().front().faults, damaged) << "case " << round << " is not counted";
    const auto left = calls.get(stored);
    ASSERT_TRUE(left.has_value());
    ASSERT_EQ(*left, std::nullopt) << "case " << round << " is not deleted";
  }
  EXPECT_GT(damaged, static_cast<std::uint64_t>(cases) * 9 / 10);
  ASSERT_TRUE(calls.set(stored, **right).has_value());
  const auto found = read();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, std::string(300, 'r')) << "the right one is still an entry";
}

}  // namespace lodestar::swr::testing
