// Accepts connections and hands each to the core that has the fewest, so that a few long-lived
// connections share the cores evenly (SO_REUSEPORT would spread them by a hash).
#pragma once

#include <memory>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>

#include "core.hpp"

namespace lodestar::web {

class listener : public std::enable_shared_from_this<listener> {
 public:
  explicit listener(std::vector<std::shared_ptr<core>> cores);

  [[nodiscard]] result<void> open(const std::string& address, std::uint16_t port);
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// On the first core's thread, as close().
  void accept_next();
  void close();

 private:
  using endpoint = boost::asio::ip::tcp::endpoint;

  [[nodiscard]] result<endpoint> resolve(const std::string& address, std::uint16_t port) const;
  [[nodiscard]] boost::system::error_code bind_and_listen(const endpoint& where);
  [[nodiscard]] std::uint16_t free_port_after(endpoint where) const;
  void accepted(std::shared_ptr<core> home, const boost::system::error_code& code,
                tcp_socket socket);
  void accept_later();
  [[nodiscard]] std::shared_ptr<core> least_loaded() noexcept;

  std::vector<std::shared_ptr<core>> cores_;
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, io_executor> acceptor_;
  boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, io_executor>
      retry_timer_;
  std::uint16_t port_ = 0;
  std::size_t next_ = 0;
};

}  // namespace lodestar::web
