// Goal: what was stored comes back as it was, and whatever is not that is no entry.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/swr/envelope.hpp>

namespace lodestar::swr {
namespace {

constexpr std::string_view key = "users:42";
constexpr std::uint64_t codec_format = 77;
const envelope_expected expected{.key = identity_of(key), .format = codec_format};

struct stored {
  std::string keys, tags, bytes;
};

stored some_entry(std::string_view value) {
  stored made;
  append_text("events/user/42/*", made.keys);
  append_text("", made.keys);
  append_text("customers", made.tags);
  append_envelope({.key = identity_of(key),
                   .written_ms = 1'700'000'000'000,
                   .fresh_until_ms = 1'700'000'060'000,
                   .stale_until_ms = 1'700'000'360'000,
                   .computed_at = 12,
                   .epoch = 3,
                   .stamp = {99, 4},
                   .format = codec_format,
                   .dependency = depends_on::listed,
                   .keys_depended_on = text_list(made.keys),
                   .tags = text_list(made.tags),
                   .value = value},
                  made.bytes);
  return made;
}

std::vector<std::string> texts_of(text_list list) {
  std::vector<std::string> texts;
  for (const std::string_view each : list) texts.emplace_back(each);
  return texts;
}

envelope_fault fault_of(std::string_view bytes, const envelope_expected& wanted = expected) {
  const auto opened = open_envelope(bytes, wanted);
  EXPECT_FALSE(opened.has_value());
  return opened ? envelope_fault{} : opened.error();
}

TEST(envelope, brings_back_what_was_stored) {
  const stored made = some_entry("the value");
  const auto opened = open_envelope(made.bytes, expected);
  ASSERT_TRUE(opened.has_value()) << to_string(opened.error());
  EXPECT_EQ(opened->kind, envelope_kind::value);
  EXPECT_EQ(opened->written_ms, 1'700'000'000'000);
  EXPECT_EQ(opened->fresh_until_ms, 1'700'000'060'000);
  EXPECT_EQ(opened->stale_until_ms, 1'700'000'360'000);
  EXPECT_EQ(opened->computed_at, 12);
  EXPECT_EQ(opened->epoch, 3U);
  EXPECT_EQ(opened->stamp, (write_stamp{99, 4}));
  EXPECT_EQ(opened->dependency, depends_on::listed);
  EXPECT_EQ(texts_of(opened->keys_depended_on), (std::vector<std::string>{"events/user/42/*", ""}));
  EXPECT_EQ(texts_of(opened->tags), (std::vector<std::string>{"customers"}));
  EXPECT_EQ(opened->value, "the value");
  EXPECT_GE(opened->value.data(), made.bytes.data()) << "in place";
}

TEST(envelope, tells_nothing_there_from_an_empty_value) {
  std::string bytes;
  append_envelope({.key = expected.key, .kind = envelope_kind::absent, .format = codec_format},
                  bytes);
  const auto absent = open_envelope(bytes, expected);
  ASSERT_TRUE(absent.has_value());
  EXPECT_EQ(absent->kind, envelope_kind::absent);
  const stored nothing = some_entry("");
  const auto empty = open_envelope(nothing.bytes, expected);
  ASSERT_TRUE(empty.has_value());
  EXPECT_EQ(empty->kind, envelope_kind::value);
  EXPECT_EQ(empty->value, "");
}

TEST(envelope, is_of_its_key_and_of_its_encoding_only) {
  const std::string bytes = some_entry("v").bytes;
  EXPECT_EQ(fault_of(bytes, {.key = identity_of("users:43"), .format = codec_format}),
            envelope_fault::other_key);
  EXPECT_EQ(fault_of(bytes, {.key = expected.key, .format = 78}), envelope_fault::format);
}

TEST(envelope, of_another_version_is_none) {
  std::string bytes = some_entry("v").bytes;
  bytes[4] = 2;
  EXPECT_EQ(fault_of(bytes), envelope_fault::version);
}

TEST(envelope, is_not_what_somebody_else_wrote) {
  EXPECT_EQ(fault_of(""), envelope_fault::cut_off);
  EXPECT_EQ(fault_of(R"({"value": 1, "fresh_until": 2, "stale_until": 3})"),
            envelope_fault::foreign);
  EXPECT_EQ(fault_of(std::string(200, '\0')), envelope_fault::foreign);
}

TEST(envelope, with_any_bit_changed_is_none) {
  const std::string right = some_entry("0123456789").bytes;
  std::string bytes = right;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const char flipped = static_cast<char>(1U << bit % 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flipped);
    fault_of(bytes);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ flipped);
  }
  EXPECT_TRUE(open_envelope(bytes, expected).has_value());
}

TEST(envelope, with_a_piece_missing_or_too_much_is_none) {
  const std::string right = some_entry("0123456789").bytes;
  for (std::size_t bytes = 0; bytes < right.size(); ++bytes) {
    fault_of(std::string_view(right).substr(0, bytes));
    fault_of(std::string_view(right).substr(right.size() - bytes));
  }
  for (std::size_t bytes = 1; bytes < 100; ++bytes) {
    std::string longer = right;
    longer.append(bytes, '\0');
    fault_of(longer);
    longer.insert(0, bytes, '\x89');
    fault_of(longer);
  }
  fault_of(right + right);
}

// Lengths that lie, under a checksum that is right: nobody reads beyond the bytes.
TEST(envelope, with_lengths_that_do_not_fit_is_none_even_when_the_checksum_is_right) {
  std::mt19937_64 random(7);
  const std::string right = some_entry("0123456789").bytes;
  const auto make_checksum_right = [](std::string& bytes) {
    std::uint64_t seed = 0;
    std::memcpy(&seed, bytes.data(), sizeof(seed));
    const std::uint64_t sum = hash_bytes_64(std::string_view(bytes).substr(16), seed);
    std::memcpy(bytes.data() + 8, &sum, sizeof(sum));
  };
  std::string unchanged = right;
  make_checksum_right(unchanged);
  ASSERT_EQ(unchanged, right);
  int opened = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = right;
    // In the kinds, the lengths and the lists.
    constexpr std::size_t places[] = {6, 7, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107};
    for (int change = 0; change < 2; ++change) {
      const std::size_t place = random() % 2 == 0 ? places[random() % std::size(places)]
                                                  : 112 + random() % (bytes.size() - 112);
      bytes[place] = static_cast<char>(random());
    }
    make_checksum_right(bytes);
    const auto result = open_envelope(bytes, expected);
    if (!result) continue;
    ++opened;
    std::size_t seen = 0;
    for (const std::string_view each : result->keys_depended_on) seen += each.size();
    for (const std::string_view each : result->tags) seen += each.size();
    EXPECT_LE(seen + result->value.size(), bytes.size());
  }
  EXPECT_GT(opened, 0) << "changed values and texts are right";
}

}  // namespace
}  // namespace lodestar::swr
