#include <lodestar/web/http.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestar::web {
namespace {

TEST(http, request_gives_the_first_of_a_name) {
  request incoming;
  incoming.headers = {{"accept", "a"}, {"accept", "b"}};
  incoming.query = {{"p", ""}, {"p", "2"}};
  EXPECT_EQ(incoming.header("accept"), "a");
  EXPECT_EQ(incoming.header("host"), "");
  EXPECT_EQ(incoming.parameter("p"), "");
  EXPECT_EQ(incoming.parameter("q"), std::nullopt);
}

TEST(http, head_holds_the_headers_of_every_answer) {
  const response_head head(404, {{"Content-Type", "text/plain"}});
  EXPECT_EQ(head.status(), 404);
  EXPECT_EQ(
      head.serialized().view(),
      "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n"
      "Referrer-Policy: same-origin\r\n");
}

TEST(http, a_given_policy_replaces_the_default) {
  const response_head head(200, {{"referrer-policy", "no-referrer"}});
  EXPECT_EQ(head.serialized().view().find("same-origin"), std::string_view::npos);
}

TEST(http_death, header_values_cannot_end_their_line) {
  using namespace std::string_literals;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const std::string& value : {"a\r\nb"s, "a\nb"s, "a\rb"s, "a\0b"s}) {
    EXPECT_DEATH(response_head(200, {{"X", value}}), "CR");
  }
  EXPECT_DEATH(response_head(200, {{"X: y\r\nZ", "v"}}), "token");
  EXPECT_DEATH(response_head(200, {{"Content-Length", "1"}}), "itself");
}

TEST(http, problems_are_json_of_rfc_9457) {
  const auto answer =
      problem({error_code::invalid_argument, "say \"what\"\n", "q.sql:3", "fix it"});
  EXPECT_EQ(answer.head.status(), 400);
  EXPECT_NE(
      answer.head.serialized().view().find("application/problem+json\r\nCache-Control: no-store"),
      std::string_view::npos);
  EXPECT_THAT(std::string(answer.body.view()),
              testing::MatchesRegex(
                  "\\{\"status\":400,\"title\":\"Bad "
                  "Request\",\"code\":\"invalid_argument\",\"detail\":\"say .*what.*n\","
                  "\"place\":\"q.sql:3\",\"hint\":\"fix it\",\"errorId\":\"[0-9a-f-]+\"\\}\n"));
}

TEST(http, unavailable_says_when_to_come_back) {
  const auto answer = problem({error_code::unavailable, "busy", {}, {}});
  EXPECT_EQ(answer.head.status(), 503);
  EXPECT_NE(answer.head.serialized().view().find("Retry-After: 1\r\n"), std::string_view::npos);
}

TEST(http, every_code_has_a_status) {
  EXPECT_EQ(status_of(error_code::not_found), 404);
  EXPECT_EQ(status_of(error_code::conflict), 409);
  EXPECT_EQ(status_of(error_code::already_exists), 409);
  EXPECT_EQ(status_of(error_code::too_large), 413);
  EXPECT_EQ(status_of(error_code::unsupported), 501);
  EXPECT_EQ(status_of(error_code::permission_denied), 403);
  EXPECT_EQ(status_of(error_code::deadline_exceeded), 504);
  EXPECT_EQ(status_of(error_code::cancelled), 503);
  EXPECT_EQ(status_of(error_code::storage_full), 507);
  EXPECT_EQ(status_of(error_code::corrupt), 500);
  EXPECT_EQ(status_of(error_code::internal), 500);
}

}  // namespace
}  // namespace lodestar::web
