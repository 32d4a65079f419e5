// Validity, canonical form and intersection of key expressions against Zenoh's rules and against
// answers recorded from its implementation (test/data/keyexpr.tsv).
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/keyexpr/key_expression.hpp>

namespace lodestar::keyexpr {
namespace {

key_expression parsed(std::string_view text) {
  auto made = key_expression::parse(text);
  EXPECT_TRUE(made.has_value()) << text << ": " << (made ? "" : made.error().describe());
  return made ? *made : *key_expression::parse("invalid");
}

bool intersect(std::string_view left, std::string_view right) {
  const auto one = parsed(left);
  const auto other = parsed(right);
  EXPECT_EQ(intersects(one, other), intersects(other, one)) << left << " and " << right;
  return intersects(one, other);
}

struct rejection {
  std::string_view text;
  std::string_view place;
};

TEST(key_expression_parse, rejects_with_the_offset) {
  const std::vector<rejection> rejections{
      {"", "offset 0"},
      {"/", "offset 0"},
      {"/a", "offset 0"},
      {"a/", "offset 2"},
      {"a//b", "offset 2"},
      {"a#", "offset 1"},
      {"a/b?", "offset 3"},
      {"$", "offset 0"},
      {"a/b$", "offset 3"},
      {"a$b", "offset 1"},
      {"a*", "offset 1"},
      {"*a", "offset 0"},
      {"***", "offset 0"},
      {"a/**b", "offset 2"},
      {"@*", "offset 1"},
      {"a$**", "offset 3"},
      {"$**", "offset 2"},
      {"a/\xC3", "offset 2"},
      {"\xED\xA0\x80", "offset 0"},
      {"\xC0\x80", "offset 0"},
      {"a\xFF", "offset 1"},
      {"**/$", "offset 3"},
  };
  for (const auto& [text, place] : rejections) {
    const auto made = key_expression::parse(text);
    ASSERT_FALSE(made.has_value()) << text;
    EXPECT_EQ(made.error().code, error_code::invalid_argument) << text;
    EXPECT_EQ(made.error().place, place) << text;
    EXPECT_FALSE(made.error().message.empty()) << text;
  }
}

TEST(key_expression_parse, bounds_the_length) {
  const std::string longest(key_expression_bytes_max, 'a');
  EXPECT_TRUE(key_expression::parse(longest).has_value());
  const auto longer = key_expression::parse(longest + "a");
  ASSERT_FALSE(longer.has_value());
  EXPECT_EQ(longer.error().code, error_code::too_large);
}

TEST(key_expression_parse, accepts_what_is_valid_unchanged) {
  for (const std::string_view text :
       {"a", "a b", "é/*", "*", "**", "*/**", "a/**/b", "@", "@a", "@a$*", "@a/**/@b", "$*a", "a$*",
        "a$*b$*c", "a/@b/c", "-._~!&'()+,;=:", "%", "\x01", "a@b"}) {
    EXPECT_EQ(parsed(text).str(), text);
  }
}

TEST(key_expression_parse, canonizes) {
  const std::vector<std::pair<std::string_view, std::string_view>> rewrites{
      {"$*", "*"},
      {"$*$*", "*"},
      {"a/$*/b", "a/*/b"},
      {"a$*$*", "a$*"},
      {"foo$*$*$*", "foo$*"},
      {"$*$*a$*$*$*$*b$*$*", "$*a$*b$*"},
      {"@a$*$*", "@a$*"},
      {"**/**", "**"},
      {"**/**/**/a/**/**", "**/a/**"},
      {"**/*", "*/**"},
      {"**/*/**/*", "*/*/**"},
      {"a/**/*/b", "a/*/**/b"},
      {"**/$*/**/$*$*/a", "*/*/**/a"},
  };
  for (const auto& [text, canonical] : rewrites) {
    EXPECT_EQ(parsed(text).str(), canonical) << text;
    EXPECT_EQ(parsed(canonical).str(), canonical);
  }
}

TEST(key_expression_parse, knows_wildcards) {
  for (const std::string_view text : {"*", "**", "a/*", "a$*", "@a/**", "@x/$*y"})
    EXPECT_TRUE(parsed(text).has_wildcard()) << text;
  for (const std::string_view text : {"a", "a/b", "@a$*", "x/@a$*/b"})
    EXPECT_FALSE(parsed(text).has_wildcard()) << text;
}

TEST(key_expression_intersects, follows_the_reference_vectors) {
  EXPECT_TRUE(intersect("ab/**", "ab"));
  EXPECT_FALSE(intersect("ab/*", "ab"));
  EXPECT_TRUE(intersect("a/**/c/**/e", "a/c/e"));
  EXPECT_TRUE(intersect("a/**/c/*/e/*", "a/b/b/b/c/d/d/c/d/e/f"));
  EXPECT_FALSE(intersect("a/**/c/*/e/*", "a/b/b/b/c/d/d/c/d/d/e/f"));
  EXPECT_TRUE(intersect("ab$*cd", "abxxcxxcd"));
  EXPECT_FALSE(intersect("ab$*cd", "abxxcxxcdx"));
  EXPECT_TRUE(intersect("**/xyz$*xyz", "a/b/xyzdefxyz"));
  EXPECT_FALSE(intersect("**/xyz$*xyz", "a/b/xyz/d/e/f/xyz"));
  EXPECT_TRUE(intersect("x/a$*d$*e", "x/ade"));
  EXPECT_TRUE(intersect("x/a$*d$*e", "x/a$*c$*e"));
  EXPECT_FALSE(intersect("x/$*d", "x/$*e"));
  EXPECT_FALSE(intersect("*", "x/abc"));
  EXPECT_TRUE(intersect("**/@a", "@a"));
  EXPECT_TRUE(intersect("@a/**/@b", "@a/@b"));
  EXPECT_FALSE(intersect("@a/**", "@a/@b"));
}

TEST(key_expression_intersects, tells_event_keys_apart) {
  EXPECT_FALSE(intersect("events/Todo/**", "events/TodoList/1"));
  EXPECT_FALSE(intersect("events/Todo/**", "events/Todos"));
  EXPECT_TRUE(intersect("events/Todo/**", "events/Todo"));
  EXPECT_TRUE(intersect("events/Todo/1/*", "events/Todo/1/7"));
  EXPECT_FALSE(intersect("events/Todo/1/*", "events/Todo/1"));
  EXPECT_FALSE(intersect("events/Todo/1/*", "events/Todo/12"));
  EXPECT_FALSE(intersect("events/**", "events/@x/1"));
  EXPECT_FALSE(intersect("x/@a$*", "x/@abc"));
  EXPECT_TRUE(intersect("x/@a$*", "x/@a$*"));
  EXPECT_TRUE(intersect("ab$*", "ab"));
  EXPECT_FALSE(intersect("a$*a", "a"));
  EXPECT_TRUE(intersect("**", "*/**"));
}

/// Tests run in the checkout's folder.
constexpr const char* recorded_answers = "test/data/keyexpr.tsv";

TEST(key_expression_intersects, agrees_with_the_answers_recorded_from_zenoh) {
  std::ifstream file(recorded_answers);
  ASSERT_TRUE(file.is_open()) << recorded_answers;
  std::string line;
  std::getline(file, line);
  ASSERT_TRUE(line.starts_with('#'));
  std::size_t rows = 0;
  while (std::getline(file, line)) {
    ++rows;
    const std::size_t first = line.find('\t');
    const std::size_t second = line.find('\t', first + 1);
    const std::string left = line.substr(0, first);
    const std::string right = line.substr(first + 1, second - first - 1);
    ASSERT_EQ(parsed(left).str(), left);
    ASSERT_EQ(parsed(right).str(), right);
    ASSERT_EQ(intersect(left, right), line.at(second + 1) == '1')
        << "line " << rows + 1 << ": " << line;
  }
  EXPECT_EQ(rows, 10'000U);
}

TEST(key_expression_intersects, is_affordable_at_the_longest_length) {
  std::string left;
  std::string right;
  while (left.size() + 5 < key_expression_bytes_max) left += "**/a/";
  while (right.size() + 2 < key_expression_bytes_max) right += "a/";
  left += "b";
  right += "a";
  EXPECT_FALSE(intersect(left, right));
}

TEST(key_expression_escape, makes_one_plain_chunk_of_any_text) {
  EXPECT_EQ(escape_chunk("ATL"), "ATL");
  EXPECT_EQ(escape_chunk(""), "%");
  EXPECT_EQ(escape_chunk("%"), "%25");
  EXPECT_EQ(escape_chunk("a/b"), "a%2Fb");
  EXPECT_EQ(escape_chunk("**"), "%2A%2A");
  EXPECT_EQ(escape_chunk("$*#?"), "%24%2A%23%3F");
  EXPECT_EQ(escape_chunk("@a@"), "%40a@");
  EXPECT_EQ(escape_chunk("é\n\x7F"), "é%0A%7F");
  EXPECT_EQ(escape_chunk("\xFF\xC3"), "%FF%C3");
}

TEST(key_expression_escape, round_trips) {
  std::mt19937 random(20'01);
  std::uniform_int_distribution<int> byte(0, 255);
  std::uniform_int_distribution<std::size_t> length(0, 12);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(length(random), '\0');
    for (char& each : text) each = static_cast<char>(byte(random));
    const std::string chunk = escape_chunk(text);
    const auto back = unescape_chunk(chunk);
    ASSERT_TRUE(back.has_value());
    ASSERT_EQ(*back, text);
    ASSERT_EQ(parsed(chunk).str(), chunk);
    ASSERT_FALSE(parsed(chunk).has_wildcard());
    ASSERT_EQ(chunk.find('/'), std::string::npos);
  }
}

TEST(key_expression_escape, refuses_what_it_did_not_write) {
  for (const std::string_view chunk :
       {"", "a%", "%2", "%2f", "%41", "%zz", "a/b", "@a", "*", "a%%", "\xFF"}) {
    const auto text = unescape_chunk(chunk);
    ASSERT_FALSE(text.has_value()) << chunk;
    EXPECT_EQ(text.error().code, error_code::invalid_argument);
  }
}

}  // namespace
}  // namespace lodestar::keyexpr
