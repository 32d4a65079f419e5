// Snapshots that are not what was written, and files that cannot be: each gives an error that says
// where, and nothing wrong gets into the cache.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <lodestar/base/hash.hpp>
#include <lodestar/cache/snapshot.hpp>

#include <unistd.h>

#include "snapshot_bytes.hpp"

namespace lodestar::cache {
namespace {

using texts = cache<std::string, std::string>;
using content = std::map<std::string, std::string>;
using detail::number_at;
using detail::set_number;

constexpr std::size_t header_end = detail::header_bytes + detail::checksum_bytes;

content content_of(const texts& of) {
  content found;
  of.for_each([&](const auto& key, const auto& value) { found.emplace(key, value); });
  return found;
}

/// Three blocks of one entry each.
const texts& three_large() {
  static texts values({.entries_max = 10});
  for (const char each : {'a', 'b', 'c'})
    values.insert(std::string(1, each), std::string(40'000, each));
  return values;
}

const texts& small() {
  static texts values({.entries_max = 10});
  for (const char each : {'a', 'b', 'c'}) values.insert(std::string(1, each), std::string(5, each));
  return values;
}

std::string bytes_of(const texts& from) {
  std::ostringstream stream;
  EXPECT_TRUE(save_snapshot(from, stream).has_value());
  return stream.str();
}

struct outcome_of_load {
  std::optional<error> failed;
  content loaded;
};

outcome_of_load load(const std::string& bytes) {
  texts values({.entries_max = 10});
  std::istringstream stream(bytes);
  const auto done = load_snapshot(values, stream);
  values.validate();
  return {done ? std::nullopt : std::optional(done.error()), content_of(values)};
}

bool is_part_of(const content& some, const content& all) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

/// Makes every checksum right again.
std::string sealed(std::string bytes) {
  std::uint64_t checksum = 0;
  for (std::size_t begins = 0, size = detail::header_bytes; begins + size + 8 <= bytes.size();) {
    checksum = hash_bytes_64(std::string_view(bytes).substr(begins, size), checksum);
    set_number(bytes, begins + size, checksum);
    begins += size + 8;
    if (begins + 8 > bytes.size()) break;
    const auto payload = number_at<std::uint32_t>(bytes, begins);
    size = payload == 0 ? 16 : 8 + std::size_t{payload};
  }
  return bytes;
}

TEST(cache_snapshot_damage, is_noticed_wherever_the_end_is_missing) {
  const std::string whole = bytes_of(small());
  ASSERT_FALSE(load(whole).failed);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto [failed, loaded] = load(whole.substr(0, size));
    ASSERT_TRUE(failed) << size;
    EXPECT_EQ(failed->code, error_code::corrupt);
    EXPECT_EQ(failed->place, "snapshot: byte " + std::to_string(size));
    EXPECT_TRUE(is_part_of(loaded, content_of(small()))) << size;
  }
}

TEST(cache_snapshot_damage, is_noticed_in_every_bit) {
  const std::string whole = bytes_of(small());
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto [failed, loaded] = load(damaged);
    ASSERT_TRUE(failed) << bit;
    EXPECT_TRUE(is_part_of(loaded, content_of(small()))) << bit;
    if (bit / 8 < whole.size() - 24) {
      EXPECT_TRUE(loaded.empty()) << bit;
    }
  }
}

TEST(cache_snapshot_damage, costs_only_what_comes_after_it) {
  std::string damaged = bytes_of(three_large());
  const std::size_t second = header_end + 8 + number_at<std::uint32_t>(damaged, header_end) + 8;
  damaged[second + 20'000] = '!';
  const auto [failed, loaded] = load(damaged);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, error_code::corrupt);
  EXPECT_EQ(failed->place, "snapshot: byte " + std::to_string(second));
  EXPECT_EQ(loaded.size(), 1U);
  EXPECT_TRUE(is_part_of(loaded, content_of(three_large())));
}

TEST(cache_snapshot_damage, is_noticed_when_blocks_change_places) {
  const std::string whole = bytes_of(three_large());
  const std::size_t size = 8 + number_at<std::uint32_t>(whole, header_end) + 8;
  const std::string swapped = whole.substr(0, header_end) + whole.substr(header_end + size, size) +
                              whole.substr(header_end, size) + whole.substr(header_end + 2 * size);
  EXPECT_TRUE(load(swapped).failed);
  EXPECT_TRUE(load(swapped).loaded.empty());
  const std::string without = whole.substr(0, header_end) + whole.substr(header_end + size);
  EXPECT_TRUE(load(without).failed);
}

TEST(cache_snapshot_damage, tells_what_else_a_file_is) {
  const auto refused = [](const std::string& bytes) {
    const auto [failed, loaded] = load(bytes);
    EXPECT_TRUE(failed.has_value());
    EXPECT_TRUE(loaded.empty());
    return failed.value_or(error{});
  };
  EXPECT_EQ(refused("SQLite format 3 and so on, for a while").place, "snapshot: byte 0");
  std::string newer = bytes_of(small());
  set_number(newer, 8, std::uint32_t{2});
  for (const auto& each : {newer, sealed(newer), newer.substr(0, 12)}) {
    EXPECT_EQ(refused(each).code, error_code::unsupported);
    EXPECT_EQ(refused(each).place, "snapshot: byte 8");
  }
  std::string other_order = bytes_of(small());
  other_order[12] = static_cast<char>(3 - other_order[12]);
  EXPECT_EQ(refused(sealed(other_order)).code, error_code::unsupported);
  EXPECT_EQ(refused(sealed(other_order)).place, "snapshot: byte 12");
  // Of other types.
  cache<int, int> numbers({.entries_max = 10});
  cache<std::string, int> mixed({.entries_max = 10});
  std::istringstream of_texts(bytes_of(small())), of_texts_again(bytes_of(small()));
  EXPECT_EQ(load_snapshot(numbers, of_texts).error().place, "snapshot: byte 24");
  EXPECT_EQ(load_snapshot(mixed, of_texts_again).error().place, "snapshot: byte 32");
}

TEST(cache_snapshot_damage, does_no_harm_with_right_checksums) {
  // Goal: whatever a hostile writer says of lengths and numbers, nothing is read outside.
  const std::string whole = bytes_of(small());
  ASSERT_FALSE(load(sealed(whole)).failed);
  std::size_t noticed = 0;
  for (std::size_t offset = 0; offset < whole.size(); ++offset) {
    for (const char byte : {'\x00', '\x01', '\x7F', '\xFF'}) {
      std::string changed = whole;
      changed[offset] = byte;
      if (load(sealed(changed)).failed) ++noticed;
    }
  }
  EXPECT_GT(noticed, whole.size());
}

TEST(cache_snapshot_damage, believes_no_length_before_the_bytes_are_there) {
  const std::string header = bytes_of(small()).substr(0, header_end);
  for (const std::uint32_t length : {0x0400'0000U, 0x0400'0001U, 0xFFFF'FFFFU}) {
    std::string hostile = header;
    detail::append_number(hostile, length);
    detail::append_number(hostile, std::uint32_t{1});
    hostile += std::string(100, 'x');
    std::size_t largest = 0;
    std::istringstream stream(hostile);
    const byte_source source = [&](std::span<char> place) -> result<std::size_t> {
      largest = std::max(largest, place.size());
      stream.read(place.data(), static_cast<std::streamsize>(place.size()));
      return static_cast<std::size_t>(stream.gcount());
    };
    texts values({.entries_max = 10});
    EXPECT_EQ(load_snapshot(values, source).error().code, error_code::corrupt);
    EXPECT_LE(largest, 128U * 1024);
  }
}

TEST(cache_snapshot_damage, takes_sources_that_give_little_at_a_time) {
  std::istringstream stream(bytes_of(three_large()));
  const byte_source slow = [&](std::span<char> place) -> result<std::size_t> {
    stream.read(place.data(), static_cast<std::streamsize>(std::min<std::size_t>(place.size(), 7)));
    return static_cast<std::size_t>(stream.gcount());
  };
  texts values({.entries_max = 10});
  EXPECT_EQ(load_snapshot(values, slow).value().entries, 3U);
}

/// Knows no value that begins with "b".
struct picky_codec {
  static void encode(const std::string& value, std::string& bytes) { bytes += value; }
  [[nodiscard]] static result<std::string> decode(std::string_view bytes) {
    if (bytes.starts_with('b')) return fail(error_code::unsupported, "no b here", {}, "use c");
    return std::string(bytes);
  }
  [[nodiscard]] static std::string_view format() { return "string"; }
};

TEST(cache_snapshot_damage, passes_on_what_a_codec_says) {
  texts values({.entries_max = 10});
  std::istringstream stream(bytes_of(small()));
  const auto failed =
      load_snapshot(values, stream, snapshot_codecs<picky_codec, picky_codec>{}).error();
  EXPECT_EQ(failed.code, error_code::unsupported);
  EXPECT_EQ(failed.message, "an entry cannot be decoded: no b here");
  EXPECT_EQ(failed.hint, "use c");
  EXPECT_TRUE(failed.place.starts_with("snapshot: byte ")) << failed.place;
  values.validate();
}

TEST(cache_snapshot_damage, leaves_out_an_entry_that_no_block_holds) {
  texts values({.entries_max = 10});
  values.insert("huge", std::string(std::size_t{64} << 20U, 'x'));
  values.insert("small", "x");
  std::ostringstream stream;
  const auto done = save_snapshot(values, stream);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->entries, 1U);
  EXPECT_EQ(done->too_large, 1U);
  EXPECT_EQ(load(stream.str()).loaded, (content{{"small", "x"}}));
}

class cache_snapshot_file : public testing::Test {
 protected:
  cache_snapshot_file() { std::filesystem::create_directory(folder); }
  ~cache_snapshot_file() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("cache_snapshot_" + std::to_string(::getpid()));
  const std::filesystem::path path = folder / "pages.snapshot";
};

TEST_F(cache_snapshot_file, is_replaced_whole) {
  texts values({.entries_max = 10}), warm({.entries_max = 10});
  EXPECT_EQ(load_snapshot(warm, path).error().code, error_code::not_found);
  values.insert("a", "first");
  ASSERT_TRUE(save_snapshot(values, path).has_value());
  values.insert("a", "second");
  ASSERT_TRUE(save_snapshot(values, path).has_value());
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(load_snapshot(warm, path).value().entries, 1U);
  EXPECT_EQ(warm.get("a"), "second");
  const auto mode = std::filesystem::status(path).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

struct throwing_codec : picky_codec {
  static void encode(const std::string&, std::string&) { throw std::runtime_error("no"); }
};

TEST_F(cache_snapshot_file, stays_what_it_was_when_saving_fails) {
  texts values({.entries_max = 10}), warm({.entries_max = 10});
  values.insert("a", "first");
  ASSERT_TRUE(save_snapshot(values, path).has_value());
  const snapshot_codecs<throwing_codec, throwing_codec> throwing;
  EXPECT_THROW(static_cast<void>(save_snapshot(values, path, throwing)), std::runtime_error);
  EXPECT_EQ(files(), 1U) << "nothing is left behind";
  EXPECT_EQ(load_snapshot(warm, path).value().entries, 1U);
  EXPECT_EQ(save_snapshot(values, folder / "none" / "x").error().code, error_code::not_found);
  EXPECT_FALSE(save_snapshot(values, folder).has_value()) << "a folder is not replaced";
  EXPECT_FALSE(load_snapshot(warm, folder).has_value());
  const byte_sink full = [](std::string_view) -> result<void> {
    return fail(error_code::storage_full, "full");
  };
  EXPECT_EQ(save_snapshot(values, full).error().code, error_code::storage_full);
}

TEST_F(cache_snapshot_file, holds_nothing_else) {
  ASSERT_TRUE(save_snapshot(small(), path).has_value());
  const auto size = std::filesystem::file_size(path);
  std::ofstream(path, std::ios::app) << "x";
  texts values({.entries_max = 10});
  const auto failed = load_snapshot(values, path).error();
  EXPECT_EQ(failed.code, error_code::corrupt);
  EXPECT_EQ(failed.place, path.string() + ": byte " + std::to_string(size));
}

}  // namespace
}  // namespace lodestar::cache
