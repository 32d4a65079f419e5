// Goal: what a request means does not depend on how its bytes were cut, and nothing ambiguous is
// accepted. Method: every request of the tables is parsed whole, byte by byte, and cut in two at
// every place.
#include "request_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server_limits.hpp"
#include "testing/smuggling_table.hpp"

namespace lodestar::web {
namespace {

using testing::refused_request;
using testing::refused_requests;

constexpr std::size_t body_bytes_max = 64;

/// What a connection would have done with the bytes, as text.
class reader {
 public:
  void receive(std::string_view bytes) {
    if (refused_) return;
    pending_ += bytes;
    while (!refused_ && step()) {
    }
  }
  [[nodiscard]] const std::string& story() const { return story_; }

 private:
  bool step() {
    std::size_t consumed = 0;
    const auto outcome = parser_.feed(pending_, consumed);
    pending_.erase(0, consumed);
    if (outcome == parse_step::need_more) return false;
    if (outcome == parse_step::refused) {
      refused_ = true;
      story_ += "refused " + std::to_string(parser_.why().status);
    } else if (outcome == parse_step::complete) {
      const bool keep = parser_.keep_alive();
      const request message = parser_.take();
      story_ += message.path + "?" + std::to_string(message.query.size());
      for (const auto& [name, value] : message.headers) story_ += "," + name + "=" + value;
      story_ += "[" + message.body + "]" + (keep ? "keep;" : "close;");
    }
    return true;
  }

  request_parser parser_{body_bytes_max};
  std::string pending_;
  std::string story_;
  bool refused_ = false;
};

std::string story_of(std::initializer_list<std::string_view> pieces) {
  reader connection;
  for (const auto piece : pieces) connection.receive(piece);
  return connection.story();
}

std::string story_byte_by_byte(std::string_view bytes) {
  reader connection;
  for (std::size_t i = 0; i < bytes.size(); ++i) connection.receive(bytes.substr(i, 1));
  return connection.story();
}

void expect_same_however_cut(std::string_view bytes) {
  const std::string whole = story_of({bytes});
  EXPECT_EQ(story_byte_by_byte(bytes), whole) << bytes;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ASSERT_EQ(story_of({bytes.substr(0, cut), bytes.substr(cut)}), whole)
        << "cut at " << cut << ": " << bytes;
  }
}

TEST(request_parser, reads_requests_however_they_are_cut) {
  for (const std::string_view bytes : {
           "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
           "GET /a%20b?x=1&y HTTP/1.1\r\nHost: h\r\nAccept: a\r\nX-Empty:\r\nX-Tab:\tv \t\r\n\r\n",
           "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
           "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nGET /q HTTP/1.1\r\nHost: "
           "h\r\n\r\n",
           "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
           "Chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n",
           "POST /t HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: "
           "y\r\nZ: w\r\n\r\n"
           "GET /next HTTP/1.1\r\nHost: h\r\n\r\n",
           "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: "
           "close\r\n\r\n",
           "GET / HTTP/1.0\r\n\r\n",
           "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
           "GET http://h/a HTTP/1.1\r\nHost: H\r\n\r\n",
           "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
       }) {
    expect_same_however_cut(bytes);
    EXPECT_EQ(story_of({bytes}).find("refused"), std::string::npos) << bytes;
  }
}

TEST(request_parser, tells_what_was_asked) {
  EXPECT_EQ(story_of({"GET /a%20b?x=1&y HTTP/1.1\r\nHost: h\r\nX-Tab:\tv \t\r\n\r\n"}),
            "/a b?2,host=h,x-tab=v[]keep;");
  EXPECT_EQ(story_of({"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                      "chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nHost: x\r\n\r\n"}),
            "/c?0,host=h,transfer-encoding=chunked[abc]keep;");
  EXPECT_EQ(story_of({"GET / HTTP/1.0\r\n\r\n"}), "/?0[]close;");
}

class smuggling : public ::testing::TestWithParam<refused_request> {};

TEST_P(smuggling, is_refused_however_it_is_cut) {
  expect_same_however_cut(GetParam().bytes);
  EXPECT_EQ(story_of({GetParam().bytes}), "refused " + std::to_string(GetParam().status));
}

INSTANTIATE_TEST_SUITE_P(request_parser, smuggling, ::testing::ValuesIn(refused_requests),
                         [](const auto& one) { return std::string(one.param.name); });

std::string with_line_of(std::size_t bytes) {
  const std::string around = "GET / HTTP/1.1";
  return "GET /" + std::string(bytes - around.size(), 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

TEST(request_parser, limits_the_request_line) {
  EXPECT_TRUE(story_of({with_line_of(request_line_bytes_max - 1)}).ends_with("keep;"));
  EXPECT_TRUE(story_of({with_line_of(request_line_bytes_max)}).ends_with("keep;"));
  EXPECT_EQ(story_of({with_line_of(request_line_bytes_max + 1)}), "refused 414");
  EXPECT_EQ(story_byte_by_byte(with_line_of(request_line_bytes_max)),
            story_of({with_line_of(request_line_bytes_max)}));
  EXPECT_EQ(story_byte_by_byte(with_line_of(request_line_bytes_max + 1)), "refused 414");
  EXPECT_EQ(story_of({std::string(request_line_bytes_max + 2, 'a')}), "refused 414");
}

std::string with_headers_of(std::size_t bytes) {
  const std::string host = "Host: h\r\n";
  const std::string around = "X: \r\n";
  return "GET / HTTP/1.1\r\n" + host +
         "X: " + std::string(bytes - host.size() - around.size(), 'a') + "\r\n\r\n";
}

TEST(request_parser, limits_the_headers) {
  EXPECT_TRUE(story_of({with_headers_of(header_bytes_max - 1)}).ends_with("keep;"));
  EXPECT_TRUE(story_of({with_headers_of(header_bytes_max)}).ends_with("keep;"));
  EXPECT_EQ(story_of({with_headers_of(header_bytes_max + 1)}), "refused 431");
  EXPECT_TRUE(story_byte_by_byte(with_headers_of(header_bytes_max)).ends_with("keep;"));
  EXPECT_EQ(story_byte_by_byte(with_headers_of(header_bytes_max + 1)), "refused 431");
}

std::string with_header_count(std::size_t count) {
  std::string out = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (std::size_t i = 1; i < count; ++i) out += "X: y\r\n";
  return out + "\r\n";
}

TEST(request_parser, limits_the_number_of_headers) {
  EXPECT_TRUE(story_of({with_header_count(headers_max - 1)}).ends_with("keep;"));
  EXPECT_TRUE(story_of({with_header_count(headers_max)}).ends_with("keep;"));
  EXPECT_EQ(story_of({with_header_count(headers_max + 1)}), "refused 431");
  EXPECT_EQ(story_byte_by_byte(with_header_count(headers_max + 1)), "refused 431");
}

std::string with_body_of(std::size_t bytes) {
  return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
         std::string(bytes, 'b');
}

/// In chunks of one byte, which the limit counts without their framing.
std::string with_chunks_of(std::size_t bytes) {
  std::string out = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t i = 0; i < bytes; ++i) out += "1\r\nb\r\n";
  return out + "0\r\n\r\n";
}

TEST(request_parser, limits_the_body) {
  for (const auto make : {with_body_of, with_chunks_of}) {
    EXPECT_TRUE(story_of({make(body_bytes_max - 1)}).ends_with("keep;"));
    EXPECT_TRUE(story_of({make(body_bytes_max)}).ends_with("keep;"));
    EXPECT_EQ(story_of({make(body_bytes_max + 1)}), "refused 413");
    EXPECT_EQ(story_byte_by_byte(make(body_bytes_max + 1)), "refused 413");
  }
}

TEST(request_parser, limits_the_trailers) {
  const std::string begin = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  const std::string trailer = "X: " + std::string(header_bytes_max, 'a') + "\r\n\r\n";
  EXPECT_EQ(story_of({begin + trailer}), "refused 431");
  EXPECT_EQ(story_byte_by_byte(begin + trailer), "refused 431");
}

TEST(request_parser, asks_for_the_body_once_when_the_client_waits) {
  request_parser parser(body_bytes_max);
  std::size_t consumed = 0;
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
  EXPECT_EQ(parser.feed(head, consumed), parse_step::head_read);
  EXPECT_EQ(consumed, head.size());
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.feed("", consumed), parse_step::need_more);
  EXPECT_EQ(parser.feed("a", consumed), parse_step::complete);
}

}  // namespace
}  // namespace lodestar::web
