// Every format of a trace file, whole, cut off and damaged.
#include <gmock/gmock.h>
#include <zstd.h>

#include <string>

#include <lodestar/base/hash.hpp>

#include "hit_ratio/temporary_folder.hpp"
#include "hit_ratio/trace_reader.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

std::string binary(const key_sequence& keys) {
  return {reinterpret_cast<const char*>(keys.data()), keys.size() * sizeof(std::uint64_t)};
}

std::string compressed(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

class trace_files : public testing::Test {
 protected:
  result<trace> read(std::string_view name, std::string_view content) {
    return read_trace(folder_.write(name, content));
  }
  key_sequence keys(std::string_view name, std::string_view content) {
    auto got = read(name, content);
    EXPECT_TRUE(got.has_value()) << got.error().describe();
    return got ? got->keys : key_sequence();
  }
  error failure(std::string_view name, std::string_view content) {
    const auto got = read(name, content);
    EXPECT_FALSE(got.has_value());
    return got ? error() : got.error();
  }
  temporary_folder folder_;
};

TEST_F(trace_files, binary_keys_are_read) {
  const key_sequence wanted{1, 0xFFFF'FFFF'FFFF'FFFF, 0, 1};
  EXPECT_EQ(keys("a.u64", binary(wanted)), wanted);
  EXPECT_EQ(keys("a.u64.zst", compressed(binary(wanted))), wanted);
}

TEST_F(trace_files, binary_keys_are_recognised_by_a_zero_byte) {
  EXPECT_EQ(keys("a.bin", binary({10, 32})), (key_sequence{10, 32}));
}

// Whatever bytes it holds, `.u64` says that they are keys.
TEST_F(trace_files, binary_keys_may_look_like_text) {
  EXPECT_EQ(keys("a.u64", "aaaaaaaa"), key_sequence{0x6161'6161'6161'6161});
}

TEST_F(trace_files, arc_lines_are_runs_of_keys) {
  const key_sequence wanted{5, 6, 7, 100, 5};
  const std::string text = "5 3 0 1\n\n100 1 0 2\r\n5 1 9 3";
  EXPECT_EQ(keys("a.lis", text), wanted);
  EXPECT_EQ(keys("b.txt", text), wanted);
  EXPECT_EQ(keys("c.lis.zst", compressed(text)), wanted);
}

TEST_F(trace_files, an_arc_line_may_be_empty_of_keys) {
  EXPECT_EQ(keys("a.lis", "5 0 0 1\n7 1 0 2\n"), key_sequence{7});
}

TEST_F(trace_files, lines_are_keys) {
  const std::string text = "*\n17\n\n  18 \r\n*\nindex.html\n18446744073709551616\n17";
  const key_sequence wanted{17, 18, hash_bytes_64("index.html"),
                            hash_bytes_64("18446744073709551616"), 17};
  EXPECT_EQ(keys("a.txt", text), wanted);
  EXPECT_EQ(keys("a", text), wanted);
  EXPECT_EQ(keys("a.trace.zst", compressed(text)), wanted);
}

TEST_F(trace_files, three_numbers_are_a_text_key) {
  EXPECT_EQ(keys("a.txt", "1 2 3\n"), key_sequence{hash_bytes_64("1 2 3")});
}

TEST_F(trace_files, compression_is_recognised_by_content) {
  EXPECT_EQ(keys("a.txt", compressed("1\n2\n")), (key_sequence{1, 2}));
}

// 4 MiB of keys leave the decompressor in several pieces that are exactly full.
TEST_F(trace_files, large_compressed_files_are_read_whole) {
  key_sequence wanted(std::size_t{1} << 19);
  for (std::size_t index = 0; index < wanted.size(); ++index)
    wanted[index] = hash_bytes_64(std::to_string(index % 1'000));
  EXPECT_EQ(keys("a.u64.zst", compressed(binary(wanted))), wanted);
  EXPECT_EQ(keys("b.u64.zst", compressed(binary(wanted)) + compressed(binary({7}))).size(),
            wanted.size() + 1);
}

TEST_F(trace_files, keys_are_numbered_by_first_appearance) {
  const auto got = read("a.txt", "9\n0\n9\nx\n0\n");
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->name, "a");
  EXPECT_THAT(got->numbers, ElementsAre(0, 1, 0, 2, 1));
  EXPECT_EQ(got->unique_keys, 3U);
}

TEST_F(trace_files, many_keys_keep_their_numbers) {
  std::string text;
  for (int round = 0; round < 2; ++round) {
    for (int key = 0; key < 50'000; ++key) text += std::to_string(key * 64) + '\n';
  }
  const auto got = read("a.txt", text);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->unique_keys, 50'000U);
  for (std::uint32_t position = 0; position < 100'000; ++position)
    ASSERT_EQ(got->numbers[position], position % 50'000);
}

TEST_F(trace_files, truncated_binary_is_an_error) {
  const error found = failure("a.u64", binary({1, 2}).substr(0, 13));
  EXPECT_EQ(found.code, error_code::corrupt);
  EXPECT_THAT(found.place, EndsWith("a.u64"));
  EXPECT_THAT(found.message, HasSubstr("truncated: 5 bytes"));
}

TEST_F(trace_files, truncated_compression_is_an_error) {
  const std::string whole = compressed(binary({1, 2, 3, 4, 5, 6, 7, 8}));
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const error found = failure("a.u64.zst", whole.substr(0, bytes));
    EXPECT_EQ(found.code, error_code::corrupt);
    EXPECT_THAT(found.message, HasSubstr("truncated")) << bytes;
  }
}

TEST_F(trace_files, damaged_compression_is_an_error) {
  std::string damaged = compressed(binary(key_sequence(1'000, 1)));
  damaged[damaged.size() / 2] = static_cast<char>(~damaged[damaged.size() / 2]);
  damaged.resize(damaged.size() - 1);
  EXPECT_EQ(failure("a.u64.zst", damaged).code, error_code::corrupt);
  EXPECT_THAT(failure("b.zst", "1\n2\n3\n4\n").message, HasSubstr("is no zstd file"));
}

TEST_F(trace_files, a_wrong_arc_line_is_named) {
  const error found = failure("a.lis", "5 3 0 1\n\n5 3 0\n");
  EXPECT_EQ(found.code, error_code::corrupt);
  EXPECT_THAT(found.place, EndsWith("a.lis:3"));
  EXPECT_THAT(failure("b.txt", "5 3 0 1\n5 3 0 x\n").place, EndsWith("b.txt:2"));
}

TEST_F(trace_files, an_arc_line_cannot_ask_for_all_memory) {
  const error found = failure("a.lis", "0 1 0 1\n0 18446744073709551615 0 2\n");
  EXPECT_EQ(found.code, error_code::too_large);
  EXPECT_THAT(found.place, EndsWith("a.lis:2"));
}

TEST_F(trace_files, a_trace_without_accesses_is_an_error) {
  for (const auto* content : {"", "\n*\n \n"})
    EXPECT_EQ(failure("a.txt", content).code, error_code::invalid_argument);
  EXPECT_EQ(failure("a.u64", "").code, error_code::invalid_argument);
}

TEST_F(trace_files, what_is_no_file_is_an_error) {
  const auto missing = read_trace(folder_.path() / "none.u64");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, error_code::not_found);
  EXPECT_THAT(missing.error().describe(), HasSubstr("No such file"));
  EXPECT_FALSE(read_trace(folder_.path()).has_value());
}

TEST(trace_name, is_the_base_name_without_extensions) {
  EXPECT_EQ(trace_name("/data/OLTP.lis.zst"), "OLTP");
  EXPECT_EQ(trace_name("2_pools.u64"), "2_pools");
  EXPECT_EQ(trace_name("web.07.txt"), "web.07");
  EXPECT_EQ(trace_name("sprite"), "sprite");
}

}  // namespace
}  // namespace lodestar::bench::hit_ratio
