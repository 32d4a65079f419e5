// One client: reads requests one after the other, hands each to the handler, writes its answer, or
// becomes a stream.
//
//   reading ─► handling ─► writing ─► reading …
//      │           └─► streaming ─► closed
//      └─(refused)─► writing ─► draining ─► closed
//
// Invariants:
//   1. Everything but the channel's members runs on the core's thread.
//   2. Requests that arrive while one is being answered wait in leftover_, so answers leave in
//   order.
//   3. At most one wait for readability and one for writability is pending.
//   4. After close() nothing touches the socket; the object lives on while somebody holds its
//   exchange.
#pragma once

#include <memory>
#include <string>

#include "answer_writer.hpp"
#include "channel.hpp"
#include "core.hpp"
#include "request_parser.hpp"

namespace lodestar::web {

class viewer;

class connection final : public exchange::channel, public std::enable_shared_from_this<connection> {
 public:
  connection(std::shared_ptr<core> home, tcp_socket socket, std::size_t index);
  ~connection() override;

  void start(bool refuse);
  /// Idle connections close, streams abort, answers under way are the last of their connection.
  void begin_stop();
  void check_deadlines(std::int64_t now_ms);
  /// Closes with a reset, so that the client knows that something was cut off.
  void abort();
  void close();

  void send(response answer) override;
  void stream(std::shared_ptr<feed> source) override;
  void abandon() override;

  /// For the viewer of this connection.
  void wait_writable();
  [[nodiscard]] int native_socket() noexcept { return socket_.native_handle(); }
  [[nodiscard]] const std::shared_ptr<core>& home() const noexcept { return home_; }

  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  void set_index(std::size_t index) noexcept { index_ = index; }

 private:
  enum class phase : std::uint8_t { reading, handling, writing, streaming, draining, closed };

  void refuse_connection();
  void wait_readable();
  void on_readable();
  void on_writable();
  void read_request();
  void discard_input();
  void process(std::string_view input);
  [[nodiscard]] bool process_once(std::string_view& input);
  void resume();
  void dispatch();
  void invoke_handler(request message);
  void begin_body();
  void refuse_request(const refusal& why);
  void answer(response what);
  void begin_stream(std::shared_ptr<feed> source);
  void finish_answer();
  void drain();
  void check_reading(std::int64_t now_ms);
  [[nodiscard]] bool keeps_alive() const noexcept;
  [[nodiscard]] answer_style style() const noexcept;

  const std::shared_ptr<core> home_;
  tcp_socket socket_;
  std::string remote_address_;
  request_parser parser_;
  std::string leftover_;
  std::unique_ptr<outgoing> outgoing_;  // Only while an answer waits for the socket.
  std::unique_ptr<viewer> viewer_;
  std::size_t index_;
  std::int64_t since_ms_ = 0;  // When the phase, or the part of a request that it waits for, began.
  std::int64_t request_began_us_ = 0;
  std::size_t body_wire_bytes_ = 0;
  phase phase_ = phase::reading;
  bool in_handler_ = false;
  bool in_body_ = false;
  bool answered_one_ = false;
  bool close_after_answer_ = false;
  bool refusing_ = false;  // The answer is to something that is no request.
  bool waiting_readable_ = false;
  bool waiting_writable_ = false;
};

}  // namespace lodestar::web
