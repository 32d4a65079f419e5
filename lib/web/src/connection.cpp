#include "connection.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <exception>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/logging.hpp>
#include <lodestar/base/random.hpp>

#include "feed_hub.hpp"
#include "status.hpp"
#include "viewer.hpp"

namespace lodestar::web {
namespace asio = boost::asio;
namespace {

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

/// recv that is not disturbed by signals; −1 with EAGAIN when there is nothing.
ssize_t receive(int socket, char* into, std::size_t bytes) noexcept {
  for (;;) {
    const ssize_t got = ::recv(socket, into, bytes, MSG_DONTWAIT);
    if (got >= 0 || errno != EINTR) return got;
  }
}

bool would_block() noexcept {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

}  // namespace

connection::connection(std::shared_ptr<core> home, tcp_socket socket, std::size_t index)
    : home_(std::move(home)),
      socket_(std::move(socket)),
      parser_(home_->shared().settings.body_bytes_max),
      index_(index) {
  home_->shared().connection_opened();
}

connection::~connection() = default;

void connection::start(bool refuse) {
  boost::system::error_code code;
  socket_.set_option(asio::ip::tcp::no_delay(true), code);
  const auto peer = socket_.remote_endpoint(code);
  if (!code) remote_address_ = peer.address().to_string();
  since_ms_ = core::now_ms();
  if (refuse)
    refuse_connection();
  else
    wait_readable();
}

void connection::refuse_connection() {
  home_->shared().metrics.connections_refused.add();
  refusing_ = true;
  close_after_answer_ = true;
  phase_ = phase::handling;
  request_began_us_ = core::now_us();
  answer(problem(
      503, {error_code::unavailable, "the server has as many connections as it may have", {}, {}}));
}

// Waiting and reading

void connection::wait_readable() {
  if (waiting_readable_ || phase_ == phase::closed) return;
  waiting_readable_ = true;
  socket_.async_wait(tcp_socket::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& code) {
                       self->waiting_readable_ = false;
                       if (!code) self->on_readable();
                     });
}

void connection::wait_writable() {
  if (waiting_writable_ || phase_ == phase::closed) return;
  waiting_writable_ = true;
  socket_.async_wait(tcp_socket::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& code) {
                       self->waiting_writable_ = false;
                       if (!code) self->on_writable();
                     });
}

void connection::on_readable() {
  switch (phase_) {
    case phase::reading: return read_request();
    case phase::streaming:
    case phase::draining: return discard_input();
    case phase::handling:
    case phase::writing: return;  // What is there is read after the answer.
    case phase::closed: return;
  }
}

void connection::on_writable() {
  if (phase_ == phase::streaming) return viewer_->on_writable();
  if (phase_ != phase::writing) return;
  const std::size_t before = outgoing_->sent_bytes;
  const auto status = outgoing_->write(native_socket());
  home_->shared().metrics.sent_bytes.add(outgoing_->sent_bytes - before);
  if (status == write_status::failed) return close();
  if (outgoing_->sent_bytes != before) since_ms_ = core::now_ms();
  if (status == write_status::blocked) return wait_writable();
  outgoing_.reset();
  finish_answer();
}

void connection::read_request() {
  char* const buffer = home_->scratch();
  const std::size_t kept_bytes = leftover_.size();
  LODESTAR_ASSERT(kept_bytes < core::scratch_bytes, "the parser's limits leave room to read");
  std::memcpy(buffer, leftover_.data(), kept_bytes);
  const ssize_t got =
      receive(native_socket(), buffer + kept_bytes, core::scratch_bytes - kept_bytes);
  if (got < 0 && would_block()) return wait_readable();
  if (got <= 0) return close();
  if (in_body_)
    body_wire_bytes_ += static_cast<std::size_t>(got);
  else if (kept_bytes == 0)
    since_ms_ = core::now_ms();
  process({buffer, kept_bytes + static_cast<std::size_t>(got)});
}

/// Viewers have nothing to say, and a client that was refused is only read so that the answer
/// reaches it. One read per turn, so that a client that never stops sending takes nobody else's.
void connection::discard_input() {
  const ssize_t got = receive(native_socket(), home_->scratch(), core::scratch_bytes);
  if (got == 0 || (got < 0 && !would_block())) return close();
  wait_readable();
}

/// `input` lies in the core's scratch buffer and begins with what leftover_ holds.
void connection::process(std::string_view input) {
  while (phase_ == phase::reading && process_once(input)) {
  }
  if (phase_ != phase::reading && phase_ != phase::handling && phase_ != phase::writing) return;
  // Swapped away rather than cleared, as an idle connection should hold no buffer.
  if (input.empty())
    std::string().swap(leftover_);
  else
    leftover_.assign(input);
  if (phase_ == phase::reading) wait_readable();
}

/// False when more bytes are needed.
bool connection::process_once(std::string_view& input) {
  std::size_t consumed_bytes = 0;
  const auto step = parser_.feed(input, consumed_bytes);
  input.remove_prefix(consumed_bytes);
  switch (step) {
    case parse_step::need_more: return false;
    case parse_step::head_read:
      body_wire_bytes_ = input.size();
      begin_body();
      return true;
    case parse_step::complete: dispatch(); return true;
    case parse_step::refused: refuse_request(parser_.why()); return false;
  }
  return false;
}

void connection::begin_body() {
  in_body_ = true;
  since_ms_ = core::now_ms();
  if (!parser_.expects_continue() || body_wire_bytes_ != 0) return;
  std::size_t sent_bytes = 0;
  // 25 bytes on a connection that waits for them: if the kernel cannot take them, the connection is
  // not worth keeping.
  if (write_parts(native_socket(), continue_line, {}, {}, sent_bytes) != write_status::done)
    close();
}

void connection::resume() {
  if (phase_ != phase::reading) return;
  std::memcpy(home_->scratch(), leftover_.data(), leftover_.size());
  process({home_->scratch(), leftover_.size()});
}

// Handling

void connection::dispatch() {
  phase_ = phase::handling;
  in_body_ = false;
  close_after_answer_ = !parser_.keep_alive();
  request_began_us_ = core::now_us();
  request message = parser_.take();
  message.remote_address = remote_address_;
  in_handler_ = true;
  invoke_handler(std::move(message));
  in_handler_ = false;
}

/// An exception is a bug of the handler: its exchange has answered 500 when it was unwound.
void connection::invoke_handler(request message) {
  try {
    home_->shared().handle(std::move(message), exchange(shared_from_this()));
  } catch (const std::exception& problem) {
    log_error("web", "a handler threw", {{"what", problem.what()}});
  } catch (...) {
    log_error("web", "a handler threw something that is no exception");
  }
}

void connection::refuse_request(const refusal& why) {
  phase_ = phase::handling;
  request_began_us_ = core::now_us();
  refusing_ = true;
  close_after_answer_ = true;
  answer(problem(why.status, why.what));
}

void connection::send(response what) {
  if (home_->is_this_thread()) return answer(std::move(what));
  home_->post([self = shared_from_this(), what = std::move(what)]() mutable {
    self->answer(std::move(what));
  });
}

void connection::stream(std::shared_ptr<feed> source) {
  if (home_->is_this_thread()) return begin_stream(std::move(source));
  home_->post([self = shared_from_this(), source = std::move(source)]() mutable {
    self->begin_stream(std::move(source));
  });
}

void connection::abandon() {
  send(problem(500, {error_code::internal, "the request was dropped without an answer", {}, {}}));
}

// Answering

void connection::answer(response what) {
  if (phase_ == phase::closed) return;
  LODESTAR_ASSERT(phase_ == phase::handling, "an answer belongs to a request");
  if (what.head.serialized().empty()) what.head = response_head(what.head.status(), {});
  if (!keeps_alive()) close_after_answer_ = true;
  auto& metrics = home_->shared().metrics;
  metrics.count_answer(what.head.status());
  metrics.request_duration.observe_us(core::now_us() - request_began_us_);

  std::string& own_lines = home_->scratch_text();
  write_own_lines(own_lines, what, style(), home_->date().line());
  if (style().without_body || !has_body(what.head.status())) what.body = {};
  std::size_t sent_bytes = 0;
  const auto status = write_parts(native_socket(), what.head.serialized().view(), own_lines,
                                  what.body.view(), sent_bytes);
  metrics.sent_bytes.add(sent_bytes);
  if (status == write_status::failed) return close();
  if (status == write_status::done) return finish_answer();
  outgoing_ = std::make_unique<outgoing>(what.head.serialized(), own_lines, std::move(what.body),
                                         sent_bytes);
  phase_ = phase::writing;
  since_ms_ = core::now_ms();
  wait_writable();
}

void connection::finish_answer() {
  answered_one_ = true;
  if (close_after_answer_ || home_->shared().stopping.load(std::memory_order_relaxed))
    return drain();
  const bool resumes_by_itself = phase_ == phase::handling && in_handler_;
  phase_ = phase::reading;
  since_ms_ = core::now_ms();
  // Inside the handler the loop of process() goes on, which keeps pipelined requests from nesting.
  if (resumes_by_itself) return;
  if (leftover_.empty()) return wait_readable();
  // Posted, as the caller may be another connection's handler, whose input lies in the scratch
  // buffer.
  home_->post([self = shared_from_this()] { self->resume(); });
}

void connection::begin_stream(std::shared_ptr<feed> source) {
  if (phase_ == phase::closed) return;
  LODESTAR_ASSERT(phase_ == phase::handling, "an answer belongs to a request");
  if (home_->shared().stopping.load(std::memory_order_relaxed)) {
    return answer(problem(503, {error_code::unavailable, "the server is stopping", {}, {}}));
  }
  auto hub = std::dynamic_pointer_cast<feed_hub>(std::move(source));
  LODESTAR_ASSERT(hub, "feeds come from feed::make()");
  auto& metrics = home_->shared().metrics;
  metrics.count_answer(200);
  metrics.request_duration.observe_us(core::now_us() - request_began_us_);
  std::string head = stream_head(parser_.is_http_1_0(), home_->date().line());
  if (parser_.verb() == method::head) {
    std::size_t sent_bytes = 0;
    // As with "100 Continue": a client that does not even take a head is not worth a buffer.
    if (write_parts(native_socket(), head, {}, {}, sent_bytes) != write_status::done)
      return close();
    return finish_answer();
  }
  phase_ = phase::streaming;
  std::string().swap(leftover_);
  viewer_ = std::make_unique<viewer>(*this, std::move(hub), std::move(head));
  wait_readable();
  const auto self = shared_from_this();
  viewer_->start();
}

bool connection::keeps_alive() const noexcept {
  return !close_after_answer_ && !home_->shared().stopping.load(std::memory_order_relaxed);
}

answer_style connection::style() const noexcept {
  return {!close_after_answer_, parser_.is_http_1_0(),
          !refusing_ && parser_.verb() == method::head};
}

// Ending

void connection::begin_stop() {
  if (phase_ == phase::streaming) return abort();
  if (phase_ == phase::reading && leftover_.empty() && !in_body_) return close();
}

void connection::check_deadlines(std::int64_t now_ms) {
  const auto& limits = home_->shared().limits;
  switch (phase_) {
    case phase::reading: return check_reading(now_ms);
    case phase::writing:
      if (now_ms - since_ms_ >= limits.write_stall_ms) abort();
      return;
    case phase::draining:
      if (now_ms - since_ms_ >= limits.drain_ms) close();
      return;
    case phase::streaming: return viewer_->check_deadlines(now_ms);
    case phase::handling:
    case phase::closed: return;
  }
}

void connection::check_reading(std::int64_t now_ms) {
  const auto& limits = home_->shared().limits;
  const std::int64_t waited_ms = now_ms - since_ms_;
  if (in_body_) {
    const std::int64_t owed =
        (waited_ms - limits.body_grace_ms) * limits.body_bytes_per_second_min / 1000;
    if (waited_ms > limits.body_grace_ms && static_cast<std::int64_t>(body_wire_bytes_) < owed) {
      refuse_request({408, {error_code::deadline_exceeded, "the body arrives too slowly", {}, {}}});
    }
  } else if (!leftover_.empty()) {
    if (waited_ms >= limits.head_ms) {
      refuse_request(
          {408, {error_code::deadline_exceeded, "the head did not arrive in time", {}, {}}});
    }
  } else if (waited_ms >= (answered_one_ ? limits.idle_ms : limits.head_ms)) {
    close();
  }
}

/// Closing while the client still sends would reset the connection and lose the answer.
void connection::drain() {
  if (phase_ == phase::closed) return;
  boost::system::error_code ignored;
  socket_.shutdown(tcp_socket::shutdown_send, ignored);
  phase_ = phase::draining;
  since_ms_ = core::now_ms();
  std::string().swap(leftover_);
  wait_readable();
}

void connection::abort() {
  if (phase_ == phase::closed) return;
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void connection::close() {
  if (phase_ == phase::closed) return;
  const auto self = shared_from_this();
  phase_ = phase::closed;
  boost::system::error_code ignored;
  socket_.close(ignored);
  outgoing_.reset();
  std::string().swap(leftover_);
  if (viewer_) viewer_->leave();
  home_->remove(*this);
  home_->shared().connection_closed();
}

}  // namespace lodestar::web
