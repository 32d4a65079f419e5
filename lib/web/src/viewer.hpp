// One client of a feed: which state it has, and at most one frame on its way to it.
//
// Belongs to its connection and runs on its core. Any member but the accessors may end in leave().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "feed_hub.hpp"

namespace lodestar::web {

class connection;

/// Status line and headers of a stream, up to and including the empty line.
[[nodiscard]] std::string stream_head(bool is_http_1_0, std::string_view date_line);

class viewer {
 public:
  viewer(connection& owner, std::shared_ptr<feed_hub> source, std::string head);
  ~viewer();
  viewer(const viewer&) = delete;
  viewer& operator=(const viewer&) = delete;

  /// Joins the feed and sends the head and the present state.
  void start();
  /// Sends what the viewer lacks, unless a frame is still on its way; then that is done when it has
  /// left.
  void advance(frame_source& frames);
  void on_writable();
  void check_deadlines(std::int64_t now_ms);
  void abort();
  /// The connection has closed: leaves the feed.
  void leave();

  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  void set_index(std::size_t index) noexcept { index_ = index; }

 private:
  void load(frame_source& frames);
  [[nodiscard]] bool flush();

  connection& owner_;
  std::shared_ptr<feed_hub> source_;
  std::shared_ptr<feed_shard> shard_;
  std::size_t index_ = 0;
  std::uint64_t revision_ = 0;  // What the client has, or will have when the frame has left.
  std::string own_text_;        // Head, first event's fields, heartbeat: goes before shared_text_.
  shared_bytes shared_text_;
  std::size_t shared_begin_ = 0;
  std::size_t sent_bytes_ = 0;
  std::int64_t progress_ms_ = 0;  // When the socket last took something.
  bool sending_ = false;
  bool greeted_ = false;  // The event with `retry:` is sent.
};

}  // namespace lodestar::web
