// Goal: replies are read within their limits however they are cut, and errors of the server mean
// what they should.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "format_command.hpp"
#include "reply_reader.hpp"
#include "server_error.hpp"

namespace lodestar::redis_tier {
namespace {

constexpr reply_limits small{.text_bytes_max = 1'000, .line_bytes_max = 100, .elements_max = 50};

struct read_replies {
  std::vector<reply> replies;
  std::string failure;
};

read_replies read(std::string_view bytes, std::size_t piece_bytes) {
  reply_reader reader(small);
  read_replies seen;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece_bytes, bytes.size()))) {
    reader.feed(bytes.substr(0, piece_bytes));
    while (true) {
      auto next = reader.next();
      if (!next) {
        seen.failure = next.error();
        return seen;
      }
      if (!*next) break;
      seen.replies.push_back(**std::move(next));
    }
  }
  return seen;
}

TEST(redis_reply_reader, reads_every_kind_however_it_is_cut) {
  const std::string bytes =
      "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
      "*2\r\n*2\r\n:1\r\n$1\r\nx\r\n*1\r\n+y\r\n";
  const reply nested{.what = reply::kind::array,
                     .elements = {{.what = reply::kind::array,
                                   .elements = {{.what = reply::kind::integer, .integer = 1},
                                                {.what = reply::kind::bulk, .text = "x"}}},
                                  {.what = reply::kind::array,
                                   .elements = {{.what = reply::kind::status, .text = "y"}}}}};
  const std::vector<reply> expected{{.what = reply::kind::status, .text = "OK"},
                                    {.what = reply::kind::error, .text = "ERR no"},
                                    {.what = reply::kind::integer, .integer = -42},
                                    {.what = reply::kind::bulk, .text = "a\r\nbc"},
                                    {.what = reply::kind::bulk},
                                    {},
                                    {},
                                    {.what = reply::kind::array},
                                    nested};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    const auto seen = read(bytes, piece);
    EXPECT_EQ(seen.failure, "");
    EXPECT_EQ(seen.replies, expected) << "pieces of " << piece;
  }
}

TEST(redis_reply_reader, keeps_to_its_limits) {
  const auto bulk = [](std::size_t size) {
    std::string made("$");
    return made.append(std::to_string(size)).append("\r\n").append(size, 'v').append("\r\n");
  };
  const auto line = [](std::size_t size) {
    return std::string("+").append(size, 'v').append("\r\n");
  };
  const std::string unended = std::string("+").append(103, 'v');
  const std::string two = std::string("*2\r\n").append(bulk(600)).append(bulk(600));
  std::string many = "*51\r\n";
  for (int index = 0; index < 51; ++index) many.append(":1\r\n");
  std::string deep;
  for (int depth = 0; depth < 10; ++depth) deep.append("*1\r\n");
  for (const std::size_t piece : {1U, 7U, 100'000U}) {
    EXPECT_EQ(read(bulk(1'000), piece).replies.size(), 1U);
    EXPECT_EQ(read(bulk(1'001), piece).failure, "a reply is too large");
    EXPECT_EQ(read("$1001\r\n", piece).failure, "a reply is too large") << "before it has come";
    EXPECT_EQ(read(two, piece).failure, "a reply is too large");
    EXPECT_EQ(read(bulk(600) + bulk(600), piece).replies.size(), 2U);
    EXPECT_EQ(read(line(100), piece).replies.size(), 1U);
    EXPECT_EQ(read(line(101), piece).failure, "a line is too long");
    EXPECT_EQ(read(unended, piece).failure, "a line is too long");
    EXPECT_EQ(read(many, piece).failure, "a reply has too many elements");
    EXPECT_EQ(read("*2000000000\r\n", piece).failure, "a reply has too many elements");
    EXPECT_NE(read(deep, piece).failure, "");
  }
}

TEST(redis_reply_reader, refuses_what_is_not_the_protocol) {
  for (const char* bytes : {"x", "HTTP/1.1 400 Bad Request\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n",
                            ":1x\r\n", ":\r\n", "*1\r\nx", "$99999999999999999999\r\n"})
    EXPECT_NE(read(bytes, 100).failure, "") << bytes;
}

TEST(redis_format_command, takes_any_bytes) {
  EXPECT_EQ(format_command({"SET", std::string_view("k\0\r\n", 4), ""}),
            std::string("*3\r\n$3\r\nSET\r\n$4\r\nk\0\r\n\r\n$0\r\n\r\n", 29));
}

TEST(redis_server_error, means_what_it_should) {
  const auto code = [](const char* answer) { return server_error_of(answer, "a:1").what.code; };
  EXPECT_EQ(code("NOAUTH Authentication required."), error_code::permission_denied);
  EXPECT_EQ(code("WRONGPASS invalid"), error_code::permission_denied);
  EXPECT_EQ(code("NOPERM this user has no permissions"), error_code::permission_denied);
  EXPECT_EQ(code("OOM command not allowed"), error_code::storage_full);
  EXPECT_EQ(code("MISCONF Redis is configured"), error_code::unavailable);
  EXPECT_EQ(code("LOADING Redis is loading"), error_code::unavailable);
  EXPECT_EQ(code("CLUSTERDOWN The cluster is down"), error_code::unavailable);
  EXPECT_EQ(code("MOVED 1 a:1"), error_code::unavailable);
  EXPECT_EQ(code("WRONGTYPE Operation against a key"), error_code::internal);
  const auto loading = server_error_of("LOADING Redis is\x01loading", "a:1");
  EXPECT_TRUE(loading.reconnects);
  EXPECT_EQ(loading.what.message, "Redis answered: LOADING Redis is?loading");
  EXPECT_EQ(loading.what.place, "a:1");
  EXPECT_FALSE(loading.what.hint.empty());
  EXPECT_FALSE(server_error_of("OOM", "a:1").reconnects);
  EXPECT_LT(server_error_of(std::string(10'000, 'x'), "a:1").what.message.size(), 300U);
}

}  // namespace
}  // namespace lodestar::redis_tier
