// Goal: what clients see of the server over real sockets: order, framing, limits in time and
// number, ends. Method: one server per test on a free port; deadlines are made small; nothing
// sleeps.
#include <lodestar/web/server.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <map>

#include "testing/running_server.hpp"
#include "testing/smuggling_table.hpp"

namespace lodestar::web {
namespace {

using testing::client;
using testing::echo;
using testing::eventually;
using testing::get;
using testing::running_server;
using testing::test_options;

server_limits quick_limits() {
  server_limits limits;
  limits.head_ms = 100;
  limits.body_grace_ms = 100;
  limits.idle_ms = 100;
  limits.write_stall_ms = 200;
  limits.drain_ms = 200;
  return limits;
}

TEST(server, keeps_a_connection_for_many_requests) {
  const running_server server(echo);
  client guest(server.port());
  for (int i = 0; i < 100; ++i) {
    guest.write(get(fmt::format("/{}", i)));
    const auto answer = guest.read_answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, fmt::format("/{}|", i));
    EXPECT_EQ(answer->header("Connection"), "");
    EXPECT_EQ(answer->header("X-Content-Type-Options"), "nosniff");
    EXPECT_TRUE(answer->header("Date").ends_with(" GMT"));
  }
  EXPECT_EQ(server.metric("lodestar_web_requests_total{class=\"2xx\"}"), 100);
  EXPECT_EQ(server.metric("lodestar_web_connections"), 1);
}

TEST(server, answers_pipelined_requests_in_order) {
  const running_server server(echo);
  std::string bytes;
  for (int i = 0; i < 1'000; ++i) bytes += get(fmt::format("/{}", i));
  client guest(server.port());
  guest.write(bytes);
  for (int i = 0; i < 1'000; ++i) {
    const auto answer = guest.read_answer();
    ASSERT_TRUE(answer) << i;
    ASSERT_EQ(answer->body, fmt::format("/{}|", i));
  }
}

/// Answers each request from a thread of its own.
class later {
 public:
  void operator()(request incoming, exchange wire) {
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([incoming = std::move(incoming), wire = std::move(wire)]() mutable {
      echo(std::move(incoming), std::move(wire));
    });
  }
  ~later() {
    for (auto& thread : threads_) thread.join();
  }

 private:
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

TEST(server, answers_from_other_threads_stay_in_order) {
  later slow;
  const running_server server(std::ref(slow));
  std::string bytes;
  for (int i = 0; i < 50; ++i) bytes += get(fmt::format("/{}", i));
  client guest(server.port());
  guest.write(bytes);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(guest.read_answer()->body, fmt::format("/{}|", i));
}

TEST(server, one_handler_may_answer_another_connections_request) {
  std::mutex mutex;
  std::optional<exchange> waiting;
  const running_server server(
      [&](request incoming, exchange wire) {
        const std::lock_guard lock(mutex);
        if (incoming.path == "/wait")
          waiting.emplace(std::move(wire));
        else if (waiting)
          waiting->send(response::text(200, "text/plain", "woken")), waiting.reset(), wire.send({});
        else
          wire.send(response::text(404, "text/plain", {}));
      },
      [] {
        auto options = test_options();
        options.threads = 1;
        return options;
      }());
  client first(server.port());
  first.write(get("/wait") + get("/after"));
  client second(server.port());
  second.write(get("/wake") + get("/wake"));
  while (second.read_answer()->status != 200) second.write(get("/wake"));
  EXPECT_EQ(first.read_answer()->body, "woken");
  EXPECT_TRUE(first.read_answer());
}

TEST(server, head_has_the_length_and_no_body) {
  const running_server server(echo);
  client guest(server.port());
  guest.write("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n" + get("/y"));
  const auto head = guest.read_answer(true);
  EXPECT_EQ(head->header("Content-Length"), "3");
  EXPECT_EQ(guest.read_answer()->body, "/y|");
}

TEST(server, not_modified_and_no_content_have_no_body) {
  const running_server server([](const request& incoming, exchange wire) {
    wire.send(response::text(incoming.path == "/304" ? 304 : 204, "text/plain", "never sent"));
  });
  client guest(server.port());
  guest.write(get("/304") + get("/204") + get("/304"));
  for (const int status : {304, 204, 304}) {
    const auto answer = guest.read_answer(true);
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(answer->header("Content-Length"), "");
  }
}

TEST(server, reads_bodies_of_both_kinds) {
  const running_server server(echo);
  client guest(server.port());
  guest.write(
      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
      "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  EXPECT_EQ(guest.read_answer()->body, "/a|hi");
  EXPECT_EQ(guest.read_answer()->body, "/b|hello");
}

TEST(server, reads_large_bodies) {
  const running_server server([](request incoming, exchange wire) {
    wire.send(response::text(200, "text/plain", std::move(incoming.body)));
  });
  const std::string body(3'000'000, 'z');
  client guest(server.port());
  guest.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  std::thread writer([&] { guest.write(body); });
  writer.join();
  EXPECT_EQ(guest.read_answer()->body, body);
}

TEST(server, asks_for_a_body_that_waits_for_it) {
  const running_server server(echo);
  client guest(server.port());
  guest.write("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(guest.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  guest.write("ok");
  EXPECT_EQ(guest.read_answer()->body, "/p|ok");
}

TEST(server, closes_when_asked_to) {
  const running_server server(echo);
  client guest(server.port());
  guest.write(get("/x", "Connection: close\r\n") + get("/never"));
  EXPECT_EQ(guest.read_answer()->header("Connection"), "close");
  EXPECT_EQ(guest.read_to_end(), "");
  EXPECT_FALSE(guest.was_reset());
}

TEST(server, speaks_http_1_0) {
  const running_server server(echo);
  client closing(server.port());
  closing.write("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(closing.read_answer()->header("Connection"), "close");
  EXPECT_EQ(closing.read_to_end(), "");
  client keeping(server.port());
  keeping.write("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(keeping.read_answer()->header("Connection"), "keep-alive");
  keeping.write("GET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(keeping.read_answer()->body, "/b|");
}

TEST(server, tells_where_the_client_is) {
  const running_server server([](request incoming, exchange wire) {
    wire.send(response::text(200, "text/plain", std::move(incoming.remote_address)));
  });
  EXPECT_EQ(server.ask(get("/"))->body, "127.0.0.1");
}

TEST(server, headers_of_one_answer_follow_the_shared_ones) {
  const response_head head(200, {{"Content-Type", "text/plain"}});
  const running_server server([&](const request&, exchange wire) {
    wire.send({head, {{"ETag", "\"1\""}}, shared_bytes("body")});
  });
  const auto answer = server.ask(get("/"));
  EXPECT_EQ(answer->header("ETag"), "\"1\"");
  EXPECT_EQ(answer->header("Content-Type"), "text/plain");
  EXPECT_EQ(answer->body, "body");
}

TEST(server, refuses_what_is_ambiguous_and_closes) {
  std::atomic<int> handled{0};
  const running_server server([&](const request&, exchange wire) {
    ++handled;
    wire.send({});
  });
  for (const auto& bad : testing::refused_requests) {
    client guest(server.port());
    guest.write(bad.bytes);
    guest.write(get("/smuggled"));
    const auto answer = guest.read_answer();
    ASSERT_TRUE(answer) << bad.name;
    EXPECT_EQ(answer->status, bad.status) << bad.name;
    EXPECT_EQ(answer->header("Content-Type"), "application/problem+json");
    EXPECT_EQ(answer->header("Connection"), "close");
    guest.shutdown_sending();
    EXPECT_EQ(guest.read_to_end(), "") << bad.name;
    EXPECT_FALSE(guest.was_reset()) << bad.name;
  }
  EXPECT_EQ(handled, 0);
}

TEST(server, refuses_paths_that_escape) {
  const running_server server(echo);
  for (const auto* target :
       {"/../etc/passwd", "/static/%2e%2e/x", "/a%2fb", "/a%5cb", "/%00", "/a\\b", "/..%2f"}) {
    EXPECT_EQ(server.ask(get(target))->status, 400) << target;
  }
}

TEST(server, refuses_bodies_beyond_the_limit_before_they_arrive) {
  auto options = test_options();
  options.body_bytes_max = 1'000;
  const running_server server(echo, options);
  const auto post = [](std::size_t bytes) {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n";
  };
  EXPECT_EQ(server.ask(post(999) + std::string(999, 'x'))->status, 200);
  EXPECT_EQ(server.ask(post(1'000) + std::string(1'000, 'x'))->status, 200);
  EXPECT_EQ(server.ask(post(1'001))->status, 413);
}

TEST(server, a_refusal_survives_a_client_that_goes_on_sending) {
  const running_server server(echo);
  client guest(server.port());
  guest.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
  guest.write(std::string(1'000'000, 'x'));
  const auto answer = guest.read_answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
}

TEST(server, an_exchange_without_an_answer_is_a_500) {
  const running_server server([](const request&, exchange) {});
  client guest(server.port());
  for (int i = 0; i < 2; ++i) {
    guest.write(get("/"));
    const auto answer = guest.read_answer();
    EXPECT_EQ(answer->status, 500);
    EXPECT_NE(answer->body.find("\"code\":\"internal\""), std::string::npos);
  }
}

TEST(server, a_handler_that_throws_is_a_500) {
  const running_server server([](const request&, exchange) { throw std::runtime_error("bug"); });
  EXPECT_EQ(server.ask(get("/"))->status, 500);
}

TEST(server, a_client_may_go_before_its_answer) {
  std::promise<exchange> asked;
  running_server server([&](const request&, exchange wire) { asked.set_value(std::move(wire)); });
  client guest(server.port());
  guest.write(get("/"));
  exchange wire = asked.get_future().get();
  guest.reset();
  wire.send(response::text(200, "text/plain", std::string(10'000'000, 'x')));
  EXPECT_TRUE(eventually([&] { return server.metric("lodestar_web_connections") == 0; }));
}

TEST(server, an_exchange_may_outlive_the_server) {
  std::promise<exchange> asked;
  std::optional<exchange> wire;
  {
    running_server server([&](const request&, exchange late) { asked.set_value(std::move(late)); });
    client guest(server.port());
    guest.write(get("/"));
    wire.emplace(asked.get_future().get());
    server.instance->stop(0);
    EXPECT_FALSE(guest.read_answer());
  }
  wire->send(response::text(200, "text/plain", "too late"));
}

TEST(server, slow_heads_end_with_408) {
  const running_server server(echo, test_options(), quick_limits());
  client guest(server.port());
  guest.write("GET / HT");
  EXPECT_EQ(guest.read_answer()->status, 408);
  EXPECT_EQ(guest.read_to_end(), "");
}

TEST(server, slow_bodies_end_with_408) {
  const running_server server(echo, test_options(), quick_limits());
  client guest(server.port());
  guest.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nab");
  EXPECT_EQ(guest.read_answer()->status, 408);
}

TEST(server, idle_connections_are_closed) {
  const running_server server(echo, test_options(), quick_limits());
  client silent(server.port());
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_FALSE(silent.was_reset());
  client used(server.port());
  used.write(get("/"));
  EXPECT_TRUE(used.read_answer());
  EXPECT_EQ(used.read_to_end(), "");
}

TEST(server, answers_nobody_takes_are_cut_off) {
  const running_server server(
      [](const request&, exchange wire) {
        wire.send(response::text(200, "text/plain", std::string(30'000'000, 'x')));
      },
      test_options(), quick_limits());
  client guest(server.port(), 4'096);
  guest.write(get("/"));
  EXPECT_TRUE(eventually([&] { return server.metric("lodestar_web_sent_bytes_total") > 0; }));
  EXPECT_TRUE(eventually([&] { return server.metric("lodestar_web_connections") == 0; }));
}

TEST(server, large_answers_arrive_whole) {
  const std::string body(20'000'000, 'x');
  const running_server server(
      [&](const request&, exchange wire) { wire.send(response::text(200, "text/plain", body)); });
  client guest(server.port());
  guest.write(get("/") + get("/"));
  EXPECT_EQ(guest.read_answer()->body.size(), body.size());
  EXPECT_EQ(guest.read_answer()->body.size(), body.size());
}

TEST(server, connections_beyond_the_limit_get_503) {
  auto options = test_options();
  options.connections_max = 2;
  const running_server server(echo, options);
  client first(server.port());
  client second(server.port());
  first.write(get("/"));
  second.write(get("/"));
  EXPECT_TRUE(first.read_answer());
  EXPECT_TRUE(second.read_answer());
  {
    client third(server.port());
    EXPECT_EQ(third.read_answer()->status, 503);
    EXPECT_EQ(third.read_to_end(), "");
  }
  EXPECT_EQ(server.metric("lodestar_web_connections_refused_total"), 1);
  first.close();
  EXPECT_TRUE(eventually([&] {
    const auto answer = server.ask(get("/"));
    return answer && answer->status == 200;
  }));
}

TEST(server, connections_are_shared_evenly) {
  std::mutex mutex;
  std::map<std::thread::id, int> by_thread;
  const running_server server([&](const request&, exchange wire) {
    {
      const std::lock_guard lock(mutex);
      ++by_thread[std::this_thread::get_id()];
    }
    wire.send({});
  });
  std::vector<std::unique_ptr<client>> guests;
  for (int i = 0; i < 100; ++i) guests.push_back(std::make_unique<client>(server.port()));
  for (const auto& guest : guests) guest->write(get("/"));
  for (const auto& guest : guests) EXPECT_TRUE(guest->read_answer());
  ASSERT_EQ(by_thread.size(), 2u);
  for (const auto& [thread, count] : by_thread) EXPECT_NEAR(count, 50, 5);
}

TEST(server, stop_finishes_answers_under_way) {
  std::promise<exchange> asked;
  running_server server([&](const request&, exchange wire) { asked.set_value(std::move(wire)); });
  client idle(server.port());
  client guest(server.port());
  guest.write(get("/"));
  exchange wire = asked.get_future().get();
  std::thread stopping([&] { server.instance->stop(30'000); });
  EXPECT_EQ(idle.read_to_end(), "");
  wire.send(response::text(200, "text/plain", "done"));
  const auto answer = guest.read_answer();
  EXPECT_EQ(answer->body, "done");
  EXPECT_EQ(answer->header("Connection"), "close");
  guest.close();
  stopping.join();
  EXPECT_FALSE(testing::can_connect(server.port()));
  server.instance->stop(0);
}

TEST(server, stop_is_bounded) {
  std::promise<exchange> asked;
  running_server server([&](const request&, exchange wire) { asked.set_value(std::move(wire)); });
  client guest(server.port());
  guest.write(get("/"));
  exchange wire = asked.get_future().get();
  server.instance->stop(50);
  EXPECT_FALSE(guest.read_answer());
}

TEST(server, says_when_the_port_is_taken) {
  running_server first(echo);
  auto options = test_options();
  options.port = first.port();
  metrics_registry metrics;
  const auto second = server::start(options, echo, metrics);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, error_code::unavailable);
  EXPECT_NE(second.error().hint.find("another port"), std::string::npos);
}

TEST(server, says_when_the_address_is_wrong) {
  auto options = test_options();
  metrics_registry metrics;
  for (const auto* address : {"nowhere", "300.1.1.1", "", "192.0.2.1"}) {
    options.address = address;
    const auto started = server::start(options, echo, metrics);
    ASSERT_FALSE(started) << address;
    EXPECT_EQ(started.error().code, error_code::invalid_argument) << address;
  }
}

}  // namespace
}  // namespace lodestar::web
