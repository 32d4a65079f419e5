// Goal: a server that is silent costs the deadline and no more, and the client can be used again.
#include "ingest/http_client.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lodestar/base/assert.hpp>

namespace lodestar::app {
namespace {

/// The kernel takes connections for it; nobody ever answers.
class silent_server {
 public:
  silent_server() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    LODESTAR_ASSERT(::bind(socket_, plain, bytes) == 0 && ::listen(socket_, 16) == 0 &&
                        ::getsockname(socket_, plain, &bytes) == 0,
                    "a port is free");
    port_ = ntohs(address.sin_port);
  }
  ~silent_server() { ::close(socket_); }
  silent_server(const silent_server&) = delete;
  silent_server& operator=(const silent_server&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

TEST(http_client, knows_what_is_a_server_address) {
  for (const char* url : {"http://127.0.0.1:8080", "http://[::1]:8080/", "http://localhost:1"})
    EXPECT_TRUE(http_client::make(url)) << url;
  for (const char* url : {"", "127.0.0.1:8080", "https://a:1", "http://a", "http://:1", "http://a:",
                          "http://a:x", "http://a:0", "http://a:65536", "http://a:1/path",
                          "http://[::1]", "http://::1:80", "http://[1.2.3.4]:80", "http://u@a:1"})
    EXPECT_FALSE(http_client::make(url)) << url;
}

TEST(http_client, waits_for_a_silent_server_until_the_deadline) {
  const silent_server server;
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto client = http_client::make(fmt::format("http://{}:{}", host, server.port()));
    ASSERT_TRUE(client);
    for (int again = 0; again < 3; ++again) {
      const auto answer = (*client)->post("/", "text/plain", "body", 20);
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().code, error_code::deadline_exceeded);
    }
  }
}

TEST(http_client, says_which_server_is_not_there) {
  const auto client = http_client::make("http://[::1]:1");
  ASSERT_TRUE(client);
  const auto answer = (*client)->post("/", "text/plain", "body", 20'000);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, error_code::unavailable);
  EXPECT_THAT(answer.error().message, testing::HasSubstr("http://[::1]:1: "));
}

}  // namespace
}  // namespace lodestar::app
