// Goal: no text can become markup or break a line of a stream, whatever its bytes.
#include <lodestar/web/html.hpp>

#include <gtest/gtest.h>

#include <lodestar/base/utf8.hpp>

namespace lodestar::web {
namespace {

std::string escaped(std::string_view text) {
  return std::move(html().text(text)).take();
}

TEST(html, escapes_what_ends_text_or_an_attribute) {
  EXPECT_EQ(escaped(R"(<a href="x" t='y'>&</a>)"),
            "&lt;a href=&quot;x&quot; t=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
}

TEST(html, keeps_text_that_needs_nothing) {
  EXPECT_EQ(escaped("plain\ttext\nGrüße 🚀"), "plain\ttext\nGrüße 🚀");
  EXPECT_EQ(escaped(""), "");
}

TEST(html, replaces_control_characters) {
  using namespace std::string_literals;
  EXPECT_EQ(escaped("a\0b\x01\x7F"s), "a\uFFFDb\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xC2\x85"), "\uFFFD");
  EXPECT_EQ(escaped("a\rb"), "a&#13;b");
}

TEST(html, replaces_damaged_utf8) {
  EXPECT_EQ(escaped("a\xFF"), "a\uFFFD");
  EXPECT_EQ(escaped("\xC3"), "\uFFFD");
  EXPECT_EQ(escaped("\xC0\xBC"), "\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(escaped("\xC3<"), "\uFFFD&lt;");
}

TEST(html, every_pair_of_bytes_gives_safe_text) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string out =
          escaped(std::string{static_cast<char>(first), static_cast<char>(second)});
      EXPECT_TRUE(is_valid_utf8(out));
      EXPECT_EQ(out.find_first_of("<>\"'\r"), std::string::npos) << first << ' ' << second;
    }
  }
}

TEST(html, builds_a_fragment) {
  html cell;
  cell.raw("<td>").number(-42).raw("</td>");
  html row;
  row.raw("<tr>").append(cell).raw("</tr>");
  EXPECT_EQ(row.str(), "<tr><td>-42</td></tr>");
}

}  // namespace
}  // namespace lodestar::web
