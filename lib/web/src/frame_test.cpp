// Goal: whatever is in a slot's HTML, a reader of the stream gets exactly that and no field of its
// own. Method: the reader of the HTML standard is the oracle.
#include "frame.hpp"

#include <gtest/gtest.h>

#include "testing/event_stream.hpp"

namespace lodestar::web {
namespace {

using testing::elements_of;
using testing::event_stream_reader;
using namespace std::string_literals;

std::string text_of(std::int64_t position, std::initializer_list<std::string_view> fragments) {
  frame_writer writer(position);
  for (const auto fragment : fragments) writer.add(fragment);
  return std::string(std::move(writer).take().text.view());
}

TEST(frame, is_the_documented_text) {
  EXPECT_EQ(
      text_of(42, {"<p id=a>\n  x</p>", "<b id=b></b>"}),
      "event: datastar-patch-elements\nid: 42\ndata: elements <p id=a>\ndata: elements   x</p>\n"
      "data: elements <b id=b></b>\n\n");
}

TEST(frame, without_fragments_is_empty) {
  EXPECT_EQ(text_of(1, {}), "");
  EXPECT_EQ(text_of(1, {"", ""}), "");
}

TEST(frame, nothing_can_be_injected) {
  for (const std::string& html : {"a\nb"s,
                                  "a\r\nb"s,
                                  "a\rb"s,
                                  "a\n\nevent: x\ndata: y\n\nb"s,
                                  "a\r\revent: x\r\rb"s,
                                  "a\r\n\r\nid: 9\r\n\r\nb"s,
                                  "data: x"s,
                                  "id: 1"s,
                                  "event: y"s,
                                  ": comment"s,
                                  "retry: 1"s,
                                  "a\0b"s,
                                  "\0"s,
                                  "a\xFF\xFE"s,
                                  " lead"s,
                                  "\n\nid: 3"s,
                                  "\r"s,
                                  "\n"s,
                                  "\r\n\r"s,
                                  "elements x"s,
                                  "\xEF\xBB\xBFx"s}) {
    const std::string text = text_of(7, {html, "<i id=end></i>"});
    const auto events = event_stream_reader().read(text);
    ASSERT_EQ(events.size(), 1u) << text;
    EXPECT_EQ(events[0].type, "datastar-patch-elements");
    EXPECT_EQ(events[0].last_id, "7");
    EXPECT_EQ(events[0].retry, "");
    std::string lines;
    for (std::size_t i = 0; i < html.size(); ++i) {
      if (html[i] == '\r') {
        lines += '\n';
        if (i + 1 < html.size() && html[i + 1] == '\n') ++i;
      } else {
        lines += html[i];
      }
    }
    if (!lines.ends_with('\n')) lines += '\n';
    EXPECT_EQ(elements_of(events[0]), lines + "<i id=end></i>");
  }
}

TEST(frame, heartbeat_is_an_event_that_nothing_watches) {
  const auto events = event_stream_reader().read(heartbeat_text(42));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, "datastar-heartbeat");
  EXPECT_EQ(events[0].data, "position 42");
}

}  // namespace
}  // namespace lodestar::web
