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
// A redis_cluster is several of them that share the slots.
//
// Everything is bounded in time; what does not go as it should ends the test's process. The thread
// that starts a server must live as long as that: the system ends the one with the other.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "temp_folder.hpp"

namespace lodestar::test {

/// A port that nobody listens on at present.
[[nodiscard]] std::uint16_t free_port();

/// Writes certificate.pem and key.pem. `names`: "DNS:localhost,IP:127.0.0.1".
void make_certificate(const temp_folder& folder, const std::string& names);

class redis_server {
 public:
  /// Why there is none to start; nothing: there is.
  [[nodiscard]] static std::optional<std::string> missing();

  enum class kind : std::uint8_t {
    plain,
    tls,     ///< Also listens on tls_port(), with a certificate for "localhost" and 127.0.0.1.
    cluster  ///< A node of one.
  };
  /// Starts it. `arguments`: options of redis-server beside port, folder and no saving.
  explicit redis_server(std::vector<std::string> arguments = {}, kind is = kind::plain);
  /// Kills it.
  ~redis_server();
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t tls_port() const noexcept { return second_port_; }
  /// With which its certificate can be checked.
  [[nodiscard]] std::filesystem::path ca_file() const { return folder_ / "certificate.pem"; }
  /// Where the other nodes of a cluster reach it.
  [[nodiscard]] std::uint16_t bus_port() const noexcept { return second_port_; }

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
  [[nodiscard]] std::vector<std::string> command_line() const;

  temp_folder folder_;
  const std::vector<std::string> arguments_;
  const kind kind_;
  std::uint16_t port_ = 0;
  std::uint16_t second_port_ = 0;
  std::string password_;
  pid_t process_ = 0;
};

/// Several nodes without replicas. The slots are shared evenly.
class redis_cluster {
 public:
  /// Waits until all of them say that it works, which takes about two seconds.
  explicit redis_cluster(std::size_t nodes);

  [[nodiscard]] redis_server& node(std::size_t index) { return *nodes_[index]; }
  /// With all of them in it.
  [[nodiscard]] std::string url() const;
  /// Which node serves the slot at the beginning.
  [[nodiscard]] std::size_t owner_of(std::size_t slot) const;

 private:
  std::vector<std::unique_ptr<redis_server>> nodes_;
};

}  // namespace lodestar::test
