// Goal: a URL means what it says, and what is wrong with one is named by place, without its
// password.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server_url.hpp"

namespace lodestar::redis_tier {
namespace {

struct right_url {
  std::string url;
  server_url means;
};

TEST(redis_url, means_what_it_says) {
  const std::vector<right_url> table{
      {"redis://cache", {.hosts = {{"cache", 6379}}}},
      {"redis://cache/", {.hosts = {{"cache", 6379}}}},
      {"redis://127.0.0.1:7000/15", {.hosts = {{"127.0.0.1", 7000}}, .database = 15}},
      {"rediss://cache.example:6380", {.tls = true, .hosts = {{"cache.example", 6380}}}},
      {"redis://:secret@cache", {.password = "secret", .hosts = {{"cache", 6379}}}},
      {"redis://somebody:secret@cache:1/2",
       {.user = "somebody", .password = "secret", .hosts = {{"cache", 1}}, .database = 2}},
      {"redis://a%3ab:p%40%2F%25%00@cache",
       {.user = "a:b", .password = std::string("p@/%\0", 5), .hosts = {{"cache", 6379}}}},
      {"redis://u:p@ss:w@cache", {.user = "u", .password = "p@ss:w", .hosts = {{"cache", 6379}}}},
      {"redis://[::1]", {.hosts = {{"::1", 6379}}}},
      {"redis://:p@[fe80::1:2]:65535/1",
       {.password = "p", .hosts = {{"fe80::1:2", 65535}}, .database = 1}},
      {"redis://n1:1,n2,[::1]:3", {.hosts = {{"n1", 1}, {"n2", 6379}, {"::1", 3}}}},
      {"rediss://u:p@n1:1,n2:2/0",
       {.tls = true, .user = "u", .password = "p", .hosts = {{"n1", 1}, {"n2", 2}}}},
  };
  for (const auto& [url, means] : table) {
    const auto parsed = parse_url(url);
    ASSERT_TRUE(parsed.has_value()) << url << ": " << parsed.error().describe();
    EXPECT_EQ(parsed->tls, means.tls) << url;
    EXPECT_EQ(parsed->user, means.user) << url;
    EXPECT_EQ(parsed->password, means.password) << url;
    EXPECT_EQ(parsed->hosts, means.hosts) << url;
    EXPECT_EQ(parsed->database, means.database) << url;
  }
}

struct wrong_url {
  std::string url;
  std::string place;
  std::string message;  // a part of it
};

TEST(redis_url, says_what_is_wrong_and_where) {
  const std::vector<wrong_url> table{
      {"", "url:0", "not one of Redis"},
      {"http://cache", "url:0", "not one of Redis"},
      {"redis:cache", "url:0", "not one of Redis"},
      {"redis://", "url:8", "lacks a host"},
      {"redis:///1", "url:8", "lacks a host"},
      {"redis://:6379", "url:8", "lacks a host"},
      {"redis://n1,", "url:11", "lacks a host"},
      {"redis://n1,,n2", "url:11", "lacks a host"},
      {"redis://somebody@cache", "url:8", "no password"},
      {"redis://somebody:@cache", "url:8", "no password"},
      {"redis://:se%2cret%4@cache", "url:17", "hexadecimal"},
      {"redis://:secret%@cache", "url:15", "hexadecimal"},
      {"redis://:secret%zz@cache", "url:15", "hexadecimal"},
      {"redis://cache:0", "url:14", "port"},
      {"redis://cache:65536", "url:14", "port"},
      {"redis://cache:", "url:14", "port"},
      {"redis://cache:6379x", "url:14", "port"},
      {"redis://ca che", "url:8", "characters"},
      {"redis://cache?secret", "url:8", "characters"},
      {"redis://[::1", "url:8", "']'"},
      {"redis://[secret]", "url:8", "IPv6"},
      {"redis://[::1]6379", "url:13", "must follow"},
      {"redis://cache/secret", "url:13", "database"},
      {"redis://cache/-1", "url:13", "database"},
      {"redis://cache/1?secret", "url:13", "database"},
      {"redis://:se/cret@cache", "url:8", "lacks a host"},
      {"redis://n1,n2/1", "url:13", "only the database 0"},
  };
  for (const auto& [url, place, message] : table) {
    const auto parsed = parse_url(url);
    ASSERT_FALSE(parsed.has_value()) << url;
    EXPECT_EQ(parsed.error().code, error_code::invalid_argument) << url;
    EXPECT_EQ(parsed.error().place, place) << url;
    EXPECT_TRUE(parsed.error().message.contains(message)) << url << parsed.error().describe();
    EXPECT_FALSE(parsed.error().hint.empty()) << url;
    EXPECT_FALSE(parsed.error().describe().contains("secret")) << parsed.error().describe();
  }
}

}  // namespace
}  // namespace lodestar::redis_tier
