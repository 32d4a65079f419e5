// A connection to one server that is renewed when it is lost, and the commands on it.
//
// Commands are written in the order in which they come: one write at a time, with all that has come
// meanwhile. Replies belong to the commands in that order. A command whose deadline has passed is
// answered at once, and stays where it is until its reply has come, which is thrown away. What the
// server still owes long after a deadline loses the connection, and so does all that is not its
// protocol: what is open is then answered with an error and a new connection is made, again and
// again (reconnect_delay.hpp). Meanwhile commands are refused at once; those that come during the
// first attempt wait until it has ended.
//
// Thread-safety: the loop's thread; status() from any. Handlers are called when nothing is being
// changed, and may send.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "link_status.hpp"
#include "reconnect_delay.hpp"
#include "reply_reader.hpp"
#include "surroundings.hpp"
#include "transport.hpp"
#include "turns.hpp"

namespace lodestar::redis_tier {

struct connection_events {
  std::move_only_function<void()> on_ready = nullptr;
  /// Also for each attempt that has failed.
  std::move_only_function<void(const error&)> on_lost = nullptr;
  /// Messages of a channel; others are replies.
  std::move_only_function<void(std::string_view payload)> on_message = nullptr;
};

class connection final : public writer, public std::enable_shared_from_this<connection> {
 public:
  /// `greeting`: sent on each new connection after user, password and database.
  connection(const surroundings& around, address server, connection_events events,
             std::vector<std::string> greeting = {});

  void start();
  /// From the next attempt on.
  void move_to(address server);
  void send(command next);
  void write() override;
  /// Does what is due, and returns when to come next.
  steady_time tick(steady_time now);
  /// For ever: answers what is open with it, tells nobody.
  void close(const error& why);

  [[nodiscard]] bool is_ready() const noexcept { return state_ == state::ready; }
  [[nodiscard]] bool is_idle() const noexcept { return sent_.empty() && waiting_.empty(); }
  [[nodiscard]] const address& server() const noexcept { return server_; }
  /// Down: nothing is sent before it is ready again.
  [[nodiscard]] const link_status& status() const noexcept { return status_; }

 private:
  enum class state : std::uint8_t { resting, connecting, greeting, ready, closed };

  // What belongs to one attempt, and lives until the last of its operations has ended.
  struct link {
    link(const surroundings& around, const std::string& host);
    std::unique_ptr<transport> stream;
    tcp::resolver resolver;
    reply_reader reader;
    std::array<char, 32U << 10> input;
    std::string outgoing = {};
    std::string writing = {};  // in flight
    bool is_writing = false;
  };
  using link_pointer = std::shared_ptr<link>;

  // Sent: `done` is empty when it was answered already. When `give_up` has passed and the reply is
  // still missing, the connection is lost.
  struct owed {
    command what;
    steady_time give_up;
  };

  [[nodiscard]] bool is_current(const link_pointer& of) const noexcept { return link_ == of; }
  void begin();
  void look_up();
  void connect_to(std::vector<tcp::endpoint> where);
  void greet();
  void greeted(const result<reply>& answer);
  void become_ready();
  void ask_whether_it_lives(steady_time now);
  void send_now(std::string wire, steady_time until, command::answered done);
  void write_bytes();
  void read();
  void received(std::size_t bytes);
  [[nodiscard]] bool take_replies(const link_pointer& of);
  void take(reply whole);
  void expire(steady_time now);
  void lose(error why);
  void answer_all(const error& why);
  [[nodiscard]] steady_time next_time() const;
  [[nodiscard]] error unavailable(std::string what) const;

  const surroundings& around_;
  address server_;
  std::string name_;
  const std::vector<std::string> greeting_;
  connection_events events_;
  link_status status_;
  state state_ = state::resting;
  link_pointer link_;
  std::deque<owed> sent_;
  std::deque<command> waiting_;
  std::size_t greetings_open_ = 0;
  bool first_attempt_ = true;
  bool write_planned_ = false;  // for the end of a turn
  reconnect_delay delay_;
  steady_time time_of_state_;  // until when to rest, or to have greeted; since when it is ready
  steady_time heard_at_;
};

}  // namespace lodestar::redis_tier
