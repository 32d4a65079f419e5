// Goal: lines come out as they stand in the file, however they lie in the buffer, and none is read
// whole that is longer than the bound.
#include "ingest/line_reader.hpp"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_folder.hpp"

namespace lodestar::app {
namespace {

std::unique_ptr<line_reader> open_with(const test::temp_folder& folder, const std::string& text) {
  std::ofstream(folder / "file", std::ios::binary) << text;
  auto opened = line_reader::open(folder / "file");
  return opened ? std::move(*opened) : nullptr;
}

std::vector<std::string> lines_of(const std::string& text) {
  const test::temp_folder folder;
  const auto reader = open_with(folder, text);
  std::vector<std::string> lines;
  for (auto line = reader->next(); line && *line; line = reader->next()) lines.emplace_back(**line);
  EXPECT_EQ(reader->read_bytes(), text.size());
  EXPECT_DOUBLE_EQ(reader->progress(), 1.0);
  return lines;
}

TEST(line_reader, reads_lines_with_and_without_an_end) {
  using testing::ElementsAre;
  EXPECT_THAT(lines_of(""), ElementsAre());
  EXPECT_THAT(lines_of("a"), ElementsAre("a"));
  EXPECT_THAT(lines_of("a\n\nb\r\n"), ElementsAre("a", "", "b\r"));
  EXPECT_THAT(lines_of("\xEF\xBB\xBFhead\n\xEF\xBB\xBF"), ElementsAre("head", "\xEF\xBB\xBF"));
}

TEST(line_reader, keeps_lines_that_do_not_fit_the_rest_of_the_buffer) {
  std::vector<std::string> wanted;
  std::string text;
  for (std::size_t bytes : {1'000U, 262'143U, 262'144U, 262'145U, 3U, 1'000'000U, 0U, 500'000U}) {
    wanted.emplace_back(bytes, static_cast<char>('a' + wanted.size()));
    text += wanted.back() + '\n';
  }
  EXPECT_EQ(lines_of(text), wanted);
}

TEST(line_reader, refuses_a_line_that_is_too_long) {
  const test::temp_folder folder;
  const auto reader =
      open_with(folder, "first\n" + std::string(line_bytes_max + 1, 'x') + "\nlast");
  ASSERT_TRUE(reader->next());
  const auto line = reader->next();
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, error_code::too_large);
  EXPECT_EQ(reader->line_number(), 2U);
  EXPECT_THAT(lines_of(std::string(line_bytes_max - 1, 'x') + "\n"), testing::SizeIs(1));
}

TEST(line_reader, names_a_file_that_cannot_be_read) {
  EXPECT_EQ(line_reader::open("/nowhere/at all").error().place, "/nowhere/at all");
  EXPECT_FALSE(line_reader::open("/"));
}

}  // namespace
}  // namespace lodestar::app
