#include <lodestar/web/assets.hpp>

#include <gtest/gtest.h>

#include <array>

namespace lodestar::web {
namespace {

constexpr std::array<asset, 2> files{{
    {"app-3f9c2a.js", "app.js", "text/javascript", "plain", "gz", "br"},
    {"robots.txt", "robots.txt", "text/plain", "none", "", ""},
}};

response ask(std::string path, std::vector<name_value> headers = {}) {
  const asset_store store(files);
  request incoming;
  incoming.path = std::move(path);
  incoming.headers = std::move(headers);
  return store.serve(incoming);
}

bool has(const response& answer, std::string_view line) {
  return answer.head.serialized().view().find(std::string(line) + "\r\n") != std::string_view::npos;
}

std::string etag_of(const response& answer) {
  const auto head = answer.head.serialized().view();
  const std::size_t at = head.find("ETag: ") + 6;
  return std::string(head.substr(at, head.find("\r\n", at) - at));
}

TEST(assets, url_is_the_hashed_name) {
  EXPECT_EQ(asset_store(files).url("app.js"), "/static/app-3f9c2a.js");
}

TEST(assets, hashed_names_are_immutable_and_others_are_not) {
  const auto hashed = ask("/static/app-3f9c2a.js");
  EXPECT_EQ(hashed.head.status(), 200);
  EXPECT_EQ(hashed.body.view(), "plain");
  EXPECT_TRUE(has(hashed, "Cache-Control: public, max-age=31536000, immutable"));
  EXPECT_TRUE(has(hashed, "Content-Type: text/javascript"));
  EXPECT_TRUE(has(hashed, "Vary: Accept-Encoding"));
  EXPECT_TRUE(has(ask("/static/robots.txt"), "Cache-Control: no-cache"));
}

TEST(assets, coding_follows_accept_encoding) {
  const auto body = [](std::string accept) {
    return std::string(
        ask("/static/app-3f9c2a.js", {{"accept-encoding", std::move(accept)}}).body.view());
  };
  EXPECT_EQ(body("gzip, deflate, br, zstd"), "br");
  EXPECT_EQ(body("gzip"), "gz");
  EXPECT_EQ(body("br;q=0, gzip;q=0.5"), "gz");
  EXPECT_EQ(body("br;q=0.000"), "plain");
  EXPECT_EQ(body("*"), "br");
  EXPECT_EQ(body("br;q=0, *"), "gz");
  EXPECT_EQ(body("*;q=0, gzip"), "gz");
  EXPECT_EQ(body("identity"), "plain");
  EXPECT_EQ(body("xbr, gzipx"), "plain");
  EXPECT_TRUE(
      has(ask("/static/app-3f9c2a.js", {{"accept-encoding", "br"}}), "Content-Encoding: br"));
  EXPECT_EQ(ask("/static/robots.txt", {{"accept-encoding", "br"}}).body.view(), "none");
}

TEST(assets, known_etag_gives_304_for_its_coding_only) {
  const auto plain = etag_of(ask("/static/app-3f9c2a.js"));
  const auto brotli = etag_of(ask("/static/app-3f9c2a.js", {{"accept-encoding", "br"}}));
  EXPECT_NE(plain, brotli);
  const auto again = [&](const std::string& tags) {
    return ask("/static/app-3f9c2a.js", {{"if-none-match", tags}}).head.status();
  };
  EXPECT_EQ(again(plain), 304);
  EXPECT_EQ(again("\"x\", W/" + plain), 304);
  EXPECT_EQ(again("*"), 304);
  EXPECT_EQ(again(brotli), 200);
}

TEST(assets, unknown_names_are_404_and_not_stored) {
  for (const auto* path :
       {"/static/app.js", "/static/", "/static/x", "/other", "", "/static/app-3f9c2a.js/"}) {
    const auto answer = ask(path);
    EXPECT_EQ(answer.head.status(), 404) << path;
    EXPECT_TRUE(has(answer, "Cache-Control: no-store"));
  }
}

}  // namespace
}  // namespace lodestar::web
