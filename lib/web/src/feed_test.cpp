// Goal: every viewer ends with the last state, in frames that say only what changed, and nobody
// waits for anybody.
#include <lodestar/web/feed.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "testing/event_stream.hpp"
#include "testing/running_server.hpp"

namespace lodestar::web {
namespace {

using testing::client;
using testing::elements_of;
using testing::event_stream_reader;
using testing::eventually;
using testing::get;
using testing::running_server;
using testing::stream_event;
using testing::test_options;

handler show(std::shared_ptr<feed> source) {
  return [source = std::move(source)](const request&, exchange wire) { wire.stream(source); };
}

feed_state state(std::int64_t position, std::initializer_list<std::string> slots) {
  feed_state out{position, {}};
  for (const auto& slot : slots) out.slots.emplace_back(slot);
  return out;
}

/// A client that has asked for the stream and reads it event by event.
class spectator {
 public:
  explicit spectator(std::uint16_t port, int receive_buffer_bytes = 0)
      : connection(port, receive_buffer_bytes) {
    connection.write(get("/feed"));
  }
  [[nodiscard]] std::string read_head() { return connection.read_until("\r\n\r\n").value_or(""); }
  /// The next event; one without a type when the stream has ended.
  [[nodiscard]] stream_event next() {
    for (;;) {
      const auto block = connection.read_until("\n\n");
      if (!block) return {"ended", {}, {}, {}};
      const auto events = reader_.read(*block);
      if (!events.empty()) return events.front();
    }
  }
  /// Reads until the event with that position.
  [[nodiscard]] stream_event read_to(std::int64_t position) {
    for (;;) {
      auto event = next();
      if (event.last_id == std::to_string(position) || event.type == "ended") return event;
    }
  }

  client connection;

 private:
  event_stream_reader reader_;
};

TEST(feed, answers_with_the_headers_of_a_stream) {
  const auto source = feed::make();
  const running_server server(show(source));
  spectator guest(server.port());
  const std::string head = guest.read_head();
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n"));
  for (const auto* line : {"Content-Type: text/event-stream\r\n",
                           "Cache-Control: no-cache, no-transform\r\n", "X-Accel-Buffering: no\r\n",
                           "Connection: keep-alive\r\n", "X-Content-Type-Options: nosniff\r\n"}) {
    EXPECT_NE(head.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
}

TEST(feed, head_request_gets_the_head_alone) {
  const running_server server(show(feed::make()));
  client guest(server.port());
  for (int i = 0; i < 2; ++i) {
    guest.write("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(guest.read_answer(true)->header("Content-Type"), "text/event-stream");
  }
}

TEST(feed, first_event_is_the_whole_state_with_retry) {
  const auto source = feed::make();
  source->publish(state(5, {"<a id=a>1</a>", "<b id=b>1</b>"}));
  const running_server server(show(source));
  spectator guest(server.port());
  EXPECT_NE(guest.read_head(), "");
  const auto block = guest.connection.read_until("\n\n");
  ASSERT_TRUE(block);
  EXPECT_TRUE(block->starts_with("event: datastar-patch-elements\nid: 5\nretry: "));
  const auto event = event_stream_reader().read(*block).at(0);
  EXPECT_GE(std::stoi(event.retry), 800);
  EXPECT_LE(std::stoi(event.retry), 1'600);
  EXPECT_EQ(elements_of(event), "<a id=a>1</a>\n<b id=b>1</b>");
}

TEST(feed, later_events_say_what_changed) {
  const auto source = feed::make();
  const running_server server(show(source));
  spectator guest(server.port());
  EXPECT_NE(guest.read_head(), "");
  source->publish(state(1, {"<a/>", "<b/>"}));
  EXPECT_EQ(elements_of(guest.next()), "<a/>\n<b/>");
  source->publish(state(2, {"<a/>", "<b2/>"}));
  const auto second = guest.next();
  EXPECT_EQ(elements_of(second), "<b2/>");
  EXPECT_EQ(second.last_id, "2");
  EXPECT_EQ(second.retry, "");
}

TEST(feed, equal_states_are_not_sent_and_equal_positions_may_differ) {
  const auto source = feed::make();
  source->publish(state(1, {"<a/>", "<b/>"}));
  const running_server server(show(source));
  spectator guest(server.port());
  EXPECT_NE(guest.read_head(), "");
  EXPECT_EQ(elements_of(guest.next()), "<a/>\n<b/>");
  source->publish(state(9, {"<a/>", "<b/>"}));
  EXPECT_EQ(source->position(), 9);
  source->publish(state(9, {"<a9/>", "<b/>"}));
  const auto event = guest.next();
  EXPECT_EQ(elements_of(event), "<a9/>");
  EXPECT_EQ(event.last_id, "9");
}

TEST(feed, a_hostile_last_event_id_changes_nothing) {
  const auto source = feed::make();
  source->publish(state(3, {"<a/>"}));
  const running_server server(show(source));
  for (const auto* id : {"-1", "99999999999999999999999", "x", "3", "", "3;4"}) {
    client guest(server.port());
    guest.write(get("/feed", std::string("Last-Event-ID: ") + id + "\r\n"));
    EXPECT_TRUE(guest.read_until("data: elements <a/>\n\n")) << id;
  }
}

TEST(feed, slow_viewers_skip_states_and_others_do_not_notice) {
  const auto source = feed::make();
  const running_server server(show(source));
  spectator slow(server.port(), 4'096);
  spectator quick(server.port());
  ASSERT_TRUE(eventually([&] { return source->viewers() == 2; }));
  constexpr std::int64_t states = 300;
  const std::string filling(100'000, 'x');
  for (std::int64_t i = 1; i <= states; ++i) {
    source->publish(state(i, {"<a>" + std::to_string(i) + filling + "</a>", "<b/>"}));
    ASSERT_EQ(quick.read_to(i).last_id, std::to_string(i));
  }
  // What the slow one finds is what the kernel held, the frame that was on its way, and the last
  // state.
  std::int64_t last = 0;
  int frames = 0;
  while (last != states) {
    const auto event = slow.next();
    ASSERT_EQ(event.type, "datastar-patch-elements");
    const std::int64_t position = std::stoll(event.last_id);
    ASSERT_GT(position, last);
    last = position;
    ++frames;
  }
  EXPECT_LT(frames, 10);
  EXPECT_GT(server.metric("lodestar_web_frames_conflated_total"), 200);
}

TEST(feed, a_viewer_that_skipped_gets_every_slot_that_changed_meanwhile) {
  const auto source = feed::make();
  const running_server server(show(source));
  const std::string filling(4'000'000, 'x');
  spectator slow(server.port(), 4'096);
  ASSERT_TRUE(eventually([&] { return source->viewers() == 1; }));
  source->publish(state(1, {"<a/>", "<b/>", filling}));
  ASSERT_TRUE(eventually([&] { return server.metric("lodestar_web_frames_sent_total") == 1; }));
  source->publish(state(2, {"<a2/>", "<b/>", filling}));
  source->publish(state(3, {"<a2/>", "<b3/>", filling}));
  EXPECT_EQ(slow.next().last_id, "1");
  const auto event = slow.next();
  EXPECT_EQ(event.last_id, "3");
  EXPECT_EQ(elements_of(event), "<a2/>\n<b3/>");
  EXPECT_EQ(server.metric("lodestar_web_frames_conflated_total"), 1);
}

TEST(feed, silent_streams_get_heartbeats) {
  auto options = test_options();
  options.heartbeat_ms = 40;
  const auto source = feed::make();
  const running_server server(show(source), options);
  spectator guest(server.port());
  EXPECT_NE(guest.read_head(), "");
  EXPECT_EQ(guest.next().type, "datastar-heartbeat");
  source->publish(state(8, {"<a/>"}));
  auto event = guest.next();
  while (event.type == "datastar-heartbeat") event = guest.next();
  EXPECT_EQ(event.type, "datastar-patch-elements");
  event = guest.next();
  EXPECT_EQ(event.type, "datastar-heartbeat");
  EXPECT_EQ(event.data, "position 8");
}

TEST(feed, stalled_viewers_are_closed) {
  auto options = test_options();
  options.stream_stall_ms = 100;
  const auto source = feed::make();
  const running_server server(show(source), options);
  spectator stalled(server.port(), 4'096);
  ASSERT_TRUE(eventually([&] { return source->viewers() == 1; }));
  source->publish(state(1, {std::string(8'000'000, 'x')}));
  EXPECT_TRUE(eventually([&] { return source->viewers() == 0; }));
}

TEST(feed, viewers_are_counted_and_reported) {
  std::atomic<std::size_t> reported{0};
  const auto source = feed::make([&](std::size_t viewers) { reported = viewers; });
  const running_server server(show(source));
  {
    spectator first(server.port());
    spectator second(server.port());
    EXPECT_TRUE(eventually([&] { return reported == 2; }));
    EXPECT_EQ(server.metric("lodestar_web_streams"), 2);
    first.connection.reset();
    EXPECT_TRUE(eventually([&] { return reported == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return reported == 0; }));
  EXPECT_EQ(source->viewers(), 0u);
}

TEST(feed, closing_resets_its_viewers_and_the_feed_goes_on) {
  const auto source = feed::make();
  source->publish(state(1, {"<a/>"}));
  const running_server server(show(source));
  spectator guest(server.port());
  EXPECT_EQ(guest.next().last_id, "1");
  source->close();
  EXPECT_EQ(guest.connection.read_to_end(), "");
  EXPECT_TRUE(guest.connection.was_reset());
  EXPECT_EQ(spectator(server.port()).next().last_id, "1");
}

TEST(feed, stopping_the_server_resets_streams) {
  const auto source = feed::make();
  source->publish(state(1, {"<a/>"}));
  running_server server(show(source));
  spectator guest(server.port());
  EXPECT_EQ(guest.next().last_id, "1");
  server.instance->stop(30'000);
  EXPECT_EQ(guest.connection.read_to_end(), "");
  EXPECT_TRUE(guest.connection.was_reset());
  EXPECT_EQ(source->viewers(), 0u);
  source->publish(state(2, {"<b/>"}));
}

TEST(feed, a_stream_may_be_started_from_another_thread) {
  const auto source = feed::make();
  source->publish(state(1, {"<a/>"}));
  std::vector<std::thread> threads;
  std::mutex mutex;
  {
    const running_server server([&](const request&, exchange wire) {
      const std::lock_guard lock(mutex);
      threads.emplace_back([&source, wire = std::move(wire)]() mutable { wire.stream(source); });
    });
    EXPECT_EQ(spectator(server.port()).next().last_id, "1");
  }
  for (auto& thread : threads) thread.join();
}

void allow_many_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(feed, a_thousand_viewers_all_get_the_last_state) {
  allow_many_descriptors();
  const auto source = feed::make();
  const running_server server(show(source));
  std::vector<std::unique_ptr<spectator>> guests;
  for (int i = 0; i < 1'000; ++i) guests.push_back(std::make_unique<spectator>(server.port()));
  constexpr std::int64_t states = 200;
  for (std::int64_t i = 1; i <= states; ++i) {
    source->publish(
        state(i, {"<a>" + std::to_string(i) + "</a>", "<b>" + std::to_string(i / 10) + "</b>"}));
  }
  for (const auto& guest : guests) {
    EXPECT_NE(guest->read_head(), "");
    std::int64_t last = 0;
    std::string a;
    while (last != states) {
      const auto event = guest->next();
      ASSERT_EQ(event.type, "datastar-patch-elements");
      const std::int64_t position = std::stoll(event.last_id);
      ASSERT_GT(position, last);
      last = position;
      a = elements_of(event);
    }
    EXPECT_NE(a.find("<a>200</a>"), std::string::npos);
  }
  EXPECT_EQ(source->viewers(), 1'000u);
}

TEST(feed, viewers_may_come_and_go_while_states_are_published) {
  const auto source = feed::make();
  const running_server server(show(source));
  std::atomic<bool> stop{false};
  std::thread publisher([&] {
    for (std::int64_t i = 1; !stop; ++i) {
      source->publish(state(i, {"<a>" + std::to_string(i) + "</a>"}));
      std::this_thread::yield();
    }
  });
  for (int i = 0; i < 300; ++i) {
    spectator guest(server.port());
    if (i % 3 == 0)
      guest.connection.reset();
    else
      EXPECT_EQ(guest.next().type, "datastar-patch-elements");
  }
  stop = true;
  publisher.join();
  EXPECT_TRUE(eventually([&] { return source->viewers() == 0; }));
}

}  // namespace
}  // namespace lodestar::web
