// Goal: the store in Redis does what every store must do, on every kind of server.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include <lodestar/redis_tier/redis_tier.hpp>
#include <lodestar/swr/testing/store_conformance.hpp>

#include "test_store.hpp"

namespace lodestar::redis_tier {
namespace {

// The server's clock cannot be moved: it waits by it, for a list that nobody makes.
void pass_by(const test::redis_server& server, nanoseconds time) {
  const auto ms = std::chrono::ceil<milliseconds>(time).count();
  server.ask({"BLPOP", "nothing", std::to_string(static_cast<double>(ms) / 1'000)});
}

// Where nobody listens, when there is no server and the test is skipped.
std::string port_of(const std::unique_ptr<test::redis_server>& server) {
  return server ? std::to_string(server->port()) : "1";
}

struct plain_subject {
  std::unique_ptr<test::redis_server> server = start_server();
  std::unique_ptr<client> made = connect_right({.url = "redis://127.0.0.1:" + port_of(server)});
  swr::store& subject() { return *made; }
  void pass(nanoseconds time) { pass_by(*server, time); }
};

// A password, a database, several connections, and a prefix that is a pattern.
struct guarded_subject {
  std::unique_ptr<test::redis_server> server = start_server({"--requirepass", "s:cr@t"});
  std::unique_ptr<client> made =
      connect_right({.url = "redis://:s%3acr%40t@127.0.0.1:" + port_of(server) + "/3",
                     .key_prefix = "*[guarded]\\?:",
                     .connections = 3});
  guarded_subject() {
    if (server) server->use_password("s:cr@t");
  }
  swr::store& subject() { return *made; }
  void pass(nanoseconds time) { pass_by(*server, time); }
};

struct tls_subject {
  std::unique_ptr<test::redis_server> server = start_server({}, test::redis_server::kind::tls);
  std::unique_ptr<client> made = connect_right(
      server ? options{.url = "rediss://127.0.0.1:" + std::to_string(server->tls_port()),
                       .ca_file = server->ca_file()}
             : options{});
  swr::store& subject() { return *made; }
  void pass(nanoseconds time) { pass_by(*server, time); }
};

struct cluster_subject {
  std::unique_ptr<test::redis_cluster> servers = start_cluster();
  std::unique_ptr<client> made =
      connect_right({.url = servers ? servers->url() : "redis://127.0.0.1:1"});
  swr::store& subject() { return *made; }
  void pass(nanoseconds time) {
    const auto ms = std::chrono::ceil<milliseconds>(time).count();
    for (std::size_t index = 0; index < 3; ++index)
      servers->node(index).ask({"DEBUG", "SLEEP", std::to_string(static_cast<double>(ms) / 1'000)});
  }
};

}  // namespace
}  // namespace lodestar::redis_tier

namespace lodestar::swr::testing {
INSTANTIATE_TYPED_TEST_SUITE_P(plain, store_conformance, redis_tier::plain_subject);
INSTANTIATE_TYPED_TEST_SUITE_P(guarded, store_conformance, redis_tier::guarded_subject);
INSTANTIATE_TYPED_TEST_SUITE_P(tls, store_conformance, redis_tier::tls_subject);
INSTANTIATE_TYPED_TEST_SUITE_P(cluster, store_conformance, redis_tier::cluster_subject);
}  // namespace lodestar::swr::testing
