// A Redis server of its own for a test: on a free port of 127.0.0.1, in a folder for temporary
// files, gone at the end.
//
//   if (const auto why = redis_server::missing()) GTEST_SKIP() << *why;
//   redis_server server({"--maxmemory", "1mb"});
//   connect_to(server.port());
//   server.kill();
//   server.start();                                  // on the same port
//   EXPECT_EQ(server.ask({"GET", "key"}), "value");
//
// Everything is bounded in time; what does not go as it should ends the test's process. The thread
// that starts a server must live as long as that: the system ends the one with the other.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "temp_folder.hpp"

namespace lodestar::test {

/// A port that nobody listens on at present.
[[nodiscard]] std::uint16_t free_port();

class redis_server {
 public:
  /// Why there is none to start; nothing: there is.
  [[nodiscard]] static std::optional<std::string> missing();

  /// Starts it. `arguments`: options of redis-server beside port, folder and no saving.
  explicit redis_server(std::vector<std::string> arguments = {});
  /// Kills it.
  ~redis_server();
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] const temp_folder& folder() const noexcept { return folder_; }

  /// Waits until it accepts connections. It keeps nothing of what it held.
  void start();
  void kill();
  /// Between the two it is there, and does nothing.
  void pause();
  void resume();

  /// What it answers on a connection of its own: a status, error, number or text as it is, "(nil)",
  /// and the elements of an array each with a line break.
  std::string ask(const std::vector<std::string_view>& words) const;
  /// For ask() when the server wants one.
  void use_password(std::string password) { password_ = std::move(password); }

 private:
  [[nodiscard]] bool try_to_start();

  temp_folder folder_;
  const std::vector<std::string> arguments_;
  std::uint16_t port_ = 0;
  std::string password_;
  pid_t process_ = 0;
};

}  // namespace lodestar::test
