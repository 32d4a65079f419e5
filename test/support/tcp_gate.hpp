// Stands between a client and a server, on a port of 127.0.0.1, and misbehaves as it is told.
//
//   tcp_gate gate(server.port());
//   connect_to(gate.port());
//   gate.behave({.slice_bytes = 1});                 // replies come byte by byte
//   gate.behave({.refuses = true});                  // nobody listens there, what was open is
//   closed gate.behave({});                                 // all is well again
//   gate.reset_connections();                        // RST
//
// Thread-safety: all members from any thread. What it was told holds when behave() has returned.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/base/clock.hpp>

#include "descriptor.hpp"

namespace lodestar::test {

struct gate_behaviour {
  bool refuses = false;   ///< Nobody listens; what is open is closed.
  bool swallows = false;  ///< Takes all, and gives nothing; connections that met this stay so.
  /// Replies wait for so long, drawn at random for each piece; they stay in order.
  milliseconds delay_min{0};
  milliseconds delay_max{0};
  std::size_t slice_bytes = 0;  ///< Replies come in pieces of so many bytes; 0: as they are.
  /// After so many bytes of replies each connection is closed.
  std::optional<std::size_t> reply_bytes_max = std::nullopt;
  bool corrupts = false;  ///< The first byte of each piece of a reply is another one.
  /// Answers a command itself, in RESP; the server is not asked. What was open is closed.
  std::function<std::string(const std::vector<std::string>& words)> answer = nullptr;
};

class tcp_gate {
 public:
  explicit tcp_gate(std::uint16_t server_port, std::uint64_t seed = 1);
  ~tcp_gate();
  tcp_gate(const tcp_gate&) = delete;
  tcp_gate& operator=(const tcp_gate&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  void behave(gate_behaviour how);
  /// Ends what is open, with RST.
  void reset_connections();
  /// So many were made up to now.
  [[nodiscard]] std::size_t connections() const noexcept { return accepted_.load(); }

 private:
  struct piece {
    steady_time due;
    std::string bytes;
  };
  struct session {
    descriptor client;
    descriptor server;  // none: the gate answers
    std::string to_server = {};
    std::list<piece> to_client = {};
    std::size_t replied_bytes = 0;
    bool swallows = false;
    bool ended = false;
    bool server_ended = false;
  };

  void tell(std::function<void()> what);
  void run();
  [[nodiscard]] int wait_ms() const;
  void listen();
  void accept();
  void serve(session& each, short client_events, short server_events);
  void read_client(session& each);
  void read_server(session& each);
  void answer_commands(session& each);
  void give_back(session& each, std::string bytes);
  void write_server(session& each);
  void write_client(session& each);

  const std::uint16_t server_port_;
  std::uint16_t port_ = 0;
  descriptor wake_;
  std::atomic<std::size_t> accepted_ = 0;
  std::mutex mutex_;
  std::vector<std::function<void()>> told_;

  // The thread's.
  std::mt19937_64 random_;
  gate_behaviour how_;
  descriptor listener_;
  std::list<session> sessions_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace lodestar::test
