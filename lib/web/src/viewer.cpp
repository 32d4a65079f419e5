#include "viewer.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <iterator>

#include <lodestar/base/assert.hpp>

#include "answer_writer.hpp"
#include "connection.hpp"

namespace lodestar::web {
namespace {

// A client that never reads holds so much in the kernel (twice this, and 3.9 MB by default). Less
// would leave fewer than two segments of the loopback interface in flight, and each frame would
// wait for a delayed acknowledgement.
constexpr int send_buffer_bytes = 128 << 10;
// What is not sent yet can still be replaced by something newer, so little of it is given to the
// kernel.
constexpr int unsent_bytes_max = 32 << 10;

// Clients have no jitter of their own: after a restart they come back spread over this time.
constexpr std::int64_t retry_ms_min = 800;
constexpr std::int64_t retry_ms_max = 1'600;

void set_stream_options(int socket, std::int64_t stall_ms) noexcept {
  const int buffer = send_buffer_bytes;
  ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  const int unsent = unsent_bytes_max;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
  const auto timeout = static_cast<unsigned>(stall_ms);
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
}

}  // namespace

std::string stream_head(bool is_http_1_0, std::string_view date_line) {
  return fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, "
      "no-transform\r\n"
      "X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: "
      "same-origin\r\n{}{}\r\n",
      date_line, is_http_1_0 ? "" : "Connection: keep-alive\r\n");
}

viewer::viewer(connection& owner, std::shared_ptr<feed_hub> source, std::string head)
    : owner_(owner), source_(std::move(source)), own_text_(std::move(head)) {}

viewer::~viewer() {
  LODESTAR_ASSERT(!shard_, "a viewer leaves its feed before it goes");
}

void viewer::start() {
  auto& shared = owner_.home()->shared();
  set_stream_options(owner_.native_socket(), shared.settings.stream_stall_ms);
  progress_ms_ = core::now_ms();
  shared.metrics.streams.add(1);
  // First joined, then read: a state published in between is seen by one or the other.
  shard_ = source_->shard_of(owner_.home());
  shard_->add(*this);
  source_->viewer_added();
  sending_ = true;
  frame_source frames(source_->present());
  load(frames);
  if (flush()) advance(frames);
}

void viewer::advance(frame_source& frames) {
  if (sending_ || !frames.state() || frames.state()->revision() <= revision_) return;
  load(frames);
  if (sending_) static_cast<void>(flush());
}

/// Takes the frame that leads to the present state, if there is something to say.
void viewer::load(frame_source& frames) {
  const published_state* state = frames.state();
  if (!state || state->revision() <= revision_) return;
  const frame& next = frames.since(revision_);
  auto& metrics = owner_.home()->shared().metrics;
  if (revision_ != 0 && state->revision() > revision_ + 1)
    metrics.frames_conflated.add(state->revision() - revision_ - 1);
  revision_ = state->revision();
  if (next.empty()) return;
  metrics.frames_sent.add();
  shared_text_ = next.text;
  shared_begin_ = 0;
  sending_ = true;
  if (greeted_) return;
  greeted_ = true;
  shared_begin_ = next.data_begin;
  own_text_.append(next.text.view().substr(0, next.data_begin));
  fmt::format_to(std::back_inserter(own_text_), "retry: {}\n",
                 owner_.home()->jitter(retry_ms_min, retry_ms_max));
}

/// True when everything has left.
bool viewer::flush() {
  const std::size_t before = sent_bytes_;
  const auto status = write_parts(owner_.native_socket(), own_text_,
                                  shared_text_.view().substr(shared_begin_), {}, sent_bytes_);
  owner_.home()->shared().metrics.sent_bytes.add(sent_bytes_ - before);
  if (sent_bytes_ != before) progress_ms_ = core::now_ms();
  if (status == write_status::failed) {
    owner_.close();
    return false;
  }
  if (status == write_status::blocked) {
    owner_.wait_writable();
    return false;
  }
  sending_ = false;
  sent_bytes_ = 0;
  shared_text_ = {};
  shared_begin_ = 0;
  if (!own_text_.empty()) std::string().swap(own_text_);
  return true;
}

void viewer::on_writable() {
  if (sending_ && !flush()) return;
  frame_source frames(source_->present());
  advance(frames);
}

void viewer::check_deadlines(std::int64_t now_ms) {
  const auto& shared = owner_.home()->shared();
  const std::int64_t quiet_ms = now_ms - progress_ms_;
  if (sending_) {
    if (quiet_ms < shared.settings.stream_stall_ms) return;
    owner_.home()->shared().metrics.streams_stalled.add();
    return owner_.abort();
  }
  if (quiet_ms < shared.settings.heartbeat_ms) return;
  own_text_ = heartbeat_text(source_->position());
  sending_ = true;
  static_cast<void>(flush());
}

void viewer::abort() {
  owner_.abort();
}

void viewer::leave() {
  if (!shard_) return;
  shard_->remove(*this);
  shard_ = nullptr;
  owner_.home()->shared().metrics.streams.add(-1);
  source_->viewer_removed();
}

}  // namespace lodestar::web
