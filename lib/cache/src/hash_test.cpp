// Goal: keys are hashed and compared as they should be when nothing else is said: whoever sends
// text cannot make it collide, and text is looked up without a copy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory_resource>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include <lodestar/base/random.hpp>
#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {
namespace {

using texts = cache<std::string, int>;

// --- looking up without a copy

/// Counts what std::string cannot keep inside itself.
std::size_t allocations = 0;
template <class T>
struct counting_allocator {
  using value_type = T;
  counting_allocator() = default;
  template <class Other>
  explicit counting_allocator(const counting_allocator<Other>&) {}
  T* allocate(std::size_t count) {
    ++allocations;
    return std::allocator<T>().allocate(count);
  }
  void deallocate(T* place, std::size_t count) { std::allocator<T>().deallocate(place, count); }
  friend bool operator==(const counting_allocator&, const counting_allocator&) = default;
};
using counted_text = std::basic_string<char, std::char_traits<char>, counting_allocator<char>>;

TEST(cache_hash, text_is_looked_up_by_a_view_without_a_copy) {
  cache<counted_text, int> values({.entries_max = 10});
  constexpr const char* key = "longer than what a string keeps inside itself";
  values.insert(key, 1);
  allocations = 0;
  EXPECT_EQ(values.get(std::string_view(key)), 1);
  EXPECT_EQ(values.get(key), 1);
  EXPECT_EQ(values.peek("longer than what a string keeps inside itself"), 1);
  EXPECT_TRUE(values.contains(key));
  EXPECT_TRUE(values.with(key, [](int value) { EXPECT_EQ(value, 1); }));
  EXPECT_FALSE(values.contains("longer than what a string keeps inside itself, and another one"));
  EXPECT_TRUE(values.remove(key));
  EXPECT_EQ(allocations, 0U);
  EXPECT_EQ(values.size(), 0U);
  values.validate();
}

TEST(cache_hash, a_view_that_ends_inside_of_a_text_is_another_key) {
  texts values({.entries_max = 10});
  const std::string_view line = "alpha,beta";
  values.insert("alpha", 1);
  EXPECT_EQ(values.get(line.substr(0, 5)), 1);
  EXPECT_EQ(values.get(line.substr(0, 4)), std::nullopt);
  EXPECT_EQ(values.get(line), std::nullopt);
}

TEST(cache_hash, text_of_other_characters_is_looked_up_by_a_view_too) {
  cache<std::u16string, int> values({.entries_max = 10});
  values.insert(u"gr\u00fcn", 1);
  EXPECT_EQ(values.get(std::u16string_view(u"gr\u00fcn")), 1);
  EXPECT_EQ(values.get(u"gr"), std::nullopt);
  cache<std::pmr::string, int> others({.entries_max = 10});
  others.insert("grey", 2);
  EXPECT_EQ(others.get("grey"), 2);
}

/// Something of which only a key can be made.
struct page_name {
  std::string text;
  explicit operator std::string() const { return text; }
};

TEST(cache_hash, what_is_no_view_is_made_a_key) {
  texts values({.entries_max = 10});
  values.insert("home", 1);
  EXPECT_EQ(values.get(page_name{"home"}), 1);
}

// --- the rest

enum class colour : std::uint8_t { red, green };

TEST(cache_hash, numbers_enums_and_pointers_are_not_remembered_with_their_hash) {
  EXPECT_EQ(hash<int>()(7), std::hash<int>()(7));
  EXPECT_EQ(hash<colour>()(colour::green), std::hash<colour>()(colour::green));
  EXPECT_TRUE((detail::is_cheap_to_hash<int, hash<int>>));
  EXPECT_TRUE((detail::is_cheap_to_hash<colour, hash<colour>>));
  EXPECT_TRUE((detail::is_cheap_to_hash<int*, hash<int*>>));
  EXPECT_TRUE((detail::is_cheap_to_hash<int, std::hash<int>>));
  EXPECT_FALSE((detail::is_cheap_to_hash<double, hash<double>>));
  EXPECT_FALSE((detail::is_cheap_to_hash<std::string, hash<std::string>>));
}

TEST(cache_hash, what_is_equal_by_other_rules_is_no_text) {
  struct ignoring_case : std::char_traits<char> {};
  EXPECT_FALSE((detail::text<std::basic_string<char, ignoring_case>>));
  EXPECT_TRUE((std::is_same_v<equal_to<std::optional<int>>, std::equal_to<std::optional<int>>>));
}

// --- keys that somebody chose

/// What std::hash<std::string> of libstdc++ does with eight bytes, MurmurHash64A with a known seed,
/// and its inverse.
namespace murmur {
constexpr std::uint64_t factor = 0xc6a4'a793'5bd1'e995;
constexpr std::uint64_t seed = 0xc70f'6907;

constexpr std::uint64_t inverse_of_factor() {
  std::uint64_t inverse = factor;
  for (int step = 0; step < 6; ++step) inverse *= 2 - factor * inverse;
  return inverse;
}
constexpr std::uint64_t fold(std::uint64_t word) {
  return word ^ word >> 47U;  // its own inverse
}
constexpr std::uint64_t mixed(std::uint64_t word) {
  return fold(word * factor) * factor;
}
constexpr std::uint64_t unmixed(std::uint64_t word) {
  return fold(word * inverse_of_factor()) * inverse_of_factor();
}
static_assert(unmixed(mixed(0x0123'4567'89ab'cdef)) == 0x0123'4567'89ab'cdef);

/// Text of sixteen bytes; all have the same hash.
std::string colliding_text(std::uint64_t number) {
  const std::uint64_t after_first = ((seed ^ 16 * factor) ^ mixed(number)) * factor;
  const std::uint64_t words[2] = {number, unmixed(after_first)};
  std::string text(sizeof words, '\0');
  std::memcpy(text.data(), words, sizeof words);
  return text;
}
}  // namespace murmur

std::vector<std::string> colliding_texts(std::uint64_t count) {
  std::vector<std::string> all;
  for (std::uint64_t number = 0; number < count; ++number)
    all.push_back(murmur::colliding_text(number));
  return all;
}

/// What a lookup costs: how often it compares.
struct counting_equal {
  using is_transparent = void;
  static inline std::uint64_t comparisons = 0;
  bool operator()(std::string_view one, std::string_view other) const {
    ++comparisons;
    return one == other;
  }
};

template <class Hash>
double comparisons_per_get(const std::vector<std::string>& keys) {
  cache<std::string, int, Hash, counting_equal> values({.entries_max = 2 * keys.size()});
  for (const auto& key : keys) values.insert(key, 1);
  counting_equal::comparisons = 0;
  for (const auto& key : keys) EXPECT_EQ(values.get(key), 1);
  values.validate();
  return static_cast<double>(counting_equal::comparisons) / static_cast<double>(keys.size());
}

TEST(cache_hash, ten_thousand_texts_that_collide_elsewhere_do_not_slow_get_down) {
  const auto hostile = colliding_texts(10'000);
  std::vector<std::string> harmless;
  while (harmless.size() < hostile.size())
    harmless.push_back(fmt::format("key-{:012}", harmless.size()));
  std::set<std::size_t> hashes;
  for (const auto& each : hostile) hashes.insert(hash<std::string>()(each));
  EXPECT_EQ(hashes.size(), hostile.size());
  const double usual = comparisons_per_get<hash<std::string>>(harmless);
  EXPECT_LT(comparisons_per_get<hash<std::string>>(hostile), 2 * usual);
}

TEST(cache_hash_canary, the_same_texts_slow_std_hash_down) {
#if !defined(__GLIBCXX__)
  GTEST_SKIP() << "the texts are made for the std::hash of libstdc++";
#endif
  const auto hostile = colliding_texts(1'000);
  std::set<std::size_t> hashes;
  for (const auto& each : hostile) hashes.insert(std::hash<std::string>()(each));
  ASSERT_EQ(hashes.size(), 1U) << "libstdc++ hashes in another way now: adapt colliding_text()";
  EXPECT_GT(comparisons_per_get<std::hash<std::string>>(hostile), 100);
}

// --- the secret

TEST(cache_hash, another_secret_gives_other_hashes) {
  seeded_random one(1), other(2);
  const detail::text_hasher first(one), second(other);
  for (const std::size_t size : {0U, 1U, 3U, 8U, 16U, 100U, 200U, 1'000U}) {
    const std::string text(size, 'x');
    EXPECT_NE(first(text.data(), size), second(text.data(), size)) << size;
    EXPECT_EQ(first(text.data(), size), first(text.data(), size)) << size;
  }
}

TEST(cache_hash, another_process_has_another_secret) {
  // In this style the child executes the program anew.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto say = [] { return fmt::format("hash {:016x}", hash<std::string>()("a key")); };
  EXPECT_EQ(say(), say());
  EXPECT_EXIT(
      {
        fmt::print(stderr, "{}\n", say());
        std::exit(0);
      },
      testing::ExitedWithCode(0),
      testing::AllOf(testing::HasSubstr("hash "), testing::Not(testing::HasSubstr(say()))));
}

}  // namespace
}  // namespace lodestar::cache
