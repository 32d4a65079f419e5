// Goal: cells come out exactly as they are written, and what is no CSV is refused with its line.
#include "ingest/csv_reader.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lodestar/base/random.hpp>

#include "support/temp_folder.hpp"

namespace lodestar::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using row = std::vector<std::optional<std::string>>;

class csv_reader_test : public testing::Test {
 protected:
  result<csv_reader> open(const std::string& text, char delimiter = '\0') {
    std::ofstream(folder_ / "file.csv", std::ios::binary) << text;
    auto lines = line_reader::open(folder_ / "file.csv");
    return csv_reader::open(std::move(*lines), delimiter);
  }
  /// All records, and the error that ended them.
  std::pair<std::vector<row>, std::string> read(const std::string& text, char delimiter = '\0') {
    auto reader = open(text, delimiter);
    if (!reader) return {{}, reader.error().message};
    std::vector<row> rows;
    for (;;) {
      const auto more = reader->next();
      if (!more) return {rows, std::to_string(reader->line_number()) + ": " + more.error().message};
      if (!*more) return {rows, ""};
      rows.emplace_back(reader->cells().begin(), reader->cells().end());
    }
  }

  test::temp_folder folder_;
};

TEST_F(csv_reader_test, keeps_texts_as_they_are) {
  const auto [rows, failure] = read("a,b,c\n1.10,TRUE, 007\n,\"\",x\n");
  EXPECT_EQ(failure, "");
  EXPECT_THAT(rows, ElementsAre(row{"1.10", "TRUE", " 007"}, row{std::nullopt, "", "x"}));
}

TEST_F(csv_reader_test, reads_quotes_line_ends_and_blank_lines) {
  const auto [rows, failure] =
      read("a,b\r\n\"x,\"\"y\"\"\",\"1\r\n2\n\"\r\n\r\n5\" pipe,\r\n\"last\",\"\"");
  EXPECT_EQ(failure, "");
  EXPECT_THAT(rows, ElementsAre(row{"x,\"y\"", "1\r\n2\n"}, row{"5\" pipe", std::nullopt},
                                row{"last", ""}));
}

TEST_F(csv_reader_test, takes_the_delimiter_that_the_header_has_most_of) {
  EXPECT_THAT(open("a;b,c;d\n")->columns(), ElementsAre("a", "b,c", "d"));
  EXPECT_THAT(open("\"a;b;c\",d\n")->columns(), ElementsAre("a;b;c", "d"));
  EXPECT_THAT(open("a\tb,c,d\n", '\t')->columns(), ElementsAre("a", "b,c,d"));
  EXPECT_THAT(open("\n\xEF\xBB\xBFone")->columns(), ElementsAre("\xEF\xBB\xBFone"));
  EXPECT_THAT(open("\xEF\xBB\xBFone")->columns(), ElementsAre("one"));
}

TEST_F(csv_reader_test, names_the_line_of_what_is_wrong) {
  EXPECT_THAT(read("").second, HasSubstr("is empty"));
  EXPECT_THAT(read("a,b\n1,2\n\n\"1\n1\",2,3\n").second, "4: has 3 cells, the header has 2");
  EXPECT_THAT(read("a,b\n1,\"2\n").second, HasSubstr("2: a quote is opened and never closed"));
  EXPECT_THAT(read("a,b\n1,\"2\"x\n").second, HasSubstr("2: there is text behind a closing quote"));
}

/// As RFC 4180 writes it: quotes around everything that needs them, and around some that does not.
std::string written(const std::optional<std::string>& cell, random_source& random) {
  if (!cell) return "";
  const bool needs_quotes = cell->empty() || cell->find_first_of(",\"\r\n") != std::string::npos;
  if (!needs_quotes && random.next() % 2 == 0) return *cell;
  std::string out = "\"";
  for (const char character : *cell) out.append(character == '"' ? 2 : 1, character);
  return out + '"';
}

TEST_F(csv_reader_test, reads_back_whatever_is_written) {
  seeded_random random(7);
  const auto any_cell = [&]() -> std::optional<std::string> {
    if (random.next() % 8 == 0) return std::nullopt;
    std::string text;
    for (auto left = random.next() % 6; left > 0; --left) text += "ab,\"\r\n; "[random.next() % 8];
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    const std::size_t columns = 2 + random.next() % 3;
    std::vector<row> wanted(random.next() % 20, row(columns));
    std::string text = "a,b" + std::string(columns - 2, ',') + "\n";
    for (auto& record : wanted) {
      for (std::size_t column = 0; column < columns; ++column) {
        record[column] = any_cell();
        if (column > 0) text += ',';
        text += written(record[column], random);
      }
      text += random.next() % 2 == 0 ? "\n" : "\r\n";
    }
    const auto [rows, failure] = read(text, ',');
    ASSERT_EQ(failure, "") << text;
    ASSERT_EQ(rows, wanted) << text;
  }
}

}  // namespace
}  // namespace lodestar::app
