#include "listener.hpp"

#include <fmt/format.h>

#include <lodestar/base/logging.hpp>

namespace lodestar::web {
namespace asio = boost::asio;
namespace {

constexpr std::uint16_t ports_to_try = 20;

error listen_error(const boost::system::error_code& code, const std::string& place,
                   std::uint16_t free_port) {
  if (code == asio::error::address_in_use) {
    return {error_code::unavailable, "the port is taken by another program", place,
            free_port == 0 ? "choose another port"
                           : fmt::format("choose another port: {} is free", free_port)};
  }
  if (code == asio::error::access_denied) {
    return {error_code::permission_denied, "the process may not listen there", place,
            "choose a port from 1024 on"};
  }
  if (code.value() == EADDRNOTAVAIL) {
    return {error_code::invalid_argument, "this machine does not have the address", place,
            "use 127.0.0.1 for this machine alone, 0.0.0.0 for all its networks"};
  }
  return {error_code::unavailable, "cannot listen: " + code.message(), place, {}};
}

}  // namespace

listener::listener(std::vector<std::shared_ptr<core>> cores)
    : cores_(std::move(cores)),
      acceptor_(cores_[0]->executor()),
      retry_timer_(cores_[0]->executor()) {}

result<void> listener::open(const std::string& address, std::uint16_t port) {
  const auto where = resolve(address, port);
  if (!where) return std::unexpected(where.error());
  if (const auto code = bind_and_listen(*where)) {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    const bool taken = code == asio::error::address_in_use;
    return std::unexpected(listen_error(code, fmt::format("{}:{}", address, port),
                                        taken ? free_port_after(*where) : std::uint16_t{0}));
  }
  port_ = acceptor_.local_endpoint().port();
  return {};
}

result<listener::endpoint> listener::resolve(const std::string& address, std::uint16_t port) const {
  boost::system::error_code code;
  const auto parsed = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, code);
  if (code) {
    return fail(error_code::invalid_argument, "the address is not an IP address", address,
                "use 127.0.0.1 for this machine alone, 0.0.0.0 for all its networks");
  }
  return endpoint(parsed, port);
}

boost::system::error_code listener::bind_and_listen(const endpoint& where) {
  boost::system::error_code code;
  acceptor_.open(where.protocol(), code);
  if (!code) acceptor_.set_option(asio::socket_base::reuse_address(true), code);
  if (!code) acceptor_.bind(where, code);
  if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
  return code;
}

std::uint16_t listener::free_port_after(endpoint where) const {
  for (std::uint16_t i = 0; i < ports_to_try && where.port() < 65'535; ++i) {
    where.port(static_cast<std::uint16_t>(where.port() + 1));
    boost::system::error_code code;
    asio::basic_socket_acceptor<asio::ip::tcp, io_executor> probe(cores_[0]->executor());
    probe.open(where.protocol(), code);
    if (!code) probe.bind(where, code);
    if (!code) return where.port();
  }
  return 0;
}

void listener::accept_next() {
  if (!acceptor_.is_open()) return;
  const auto home = least_loaded();
  acceptor_.async_accept(
      home->executor(),
      asio::bind_executor(cores_[0]->executor(),
                          [self = shared_from_this(), home](const boost::system::error_code& code,
                                                            tcp_socket socket) {
                            self->accepted(home, code, std::move(socket));
                          }));
}

void listener::accepted(std::shared_ptr<core> home, const boost::system::error_code& code,
                        tcp_socket socket) {
  if (code == asio::error::operation_aborted || !acceptor_.is_open()) return;
  if (code) {
    // Mostly: no descriptors left. Trying again at once would spin.
    log_warning("web", "cannot accept a connection", {{"reason", code.message()}});
    return accept_later();
  }
  const auto& shared = home->shared();
  const std::size_t open = shared.connections.load();
  if (open < shared.settings.connections_max + shared.limits.refused_connections_max) {
    const bool refuse = open >= shared.settings.connections_max;
    home->expect_connection();
    if (home->is_this_thread()) {
      home->adopt(std::move(socket), refuse);
    } else {
      home->post([home, refuse, socket = std::move(socket)]() mutable {
        home->adopt(std::move(socket), refuse);
      });
    }
  }
  accept_next();
}

void listener::accept_later() {
  retry_timer_.expires_after(milliseconds(cores_[0]->shared().limits.accept_retry_ms));
  retry_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& code) {
    if (!code) self->accept_next();
  });
}

void listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  retry_timer_.cancel(ignored);
}

std::shared_ptr<core> listener::least_loaded() noexcept {
  // Begins at another core each time, so that equal counts are spread too.
  next_ = (next_ + 1) % cores_.size();
  std::size_t best = next_;
  for (std::size_t i = 1; i < cores_.size(); ++i) {
    const std::size_t candidate = (next_ + i) % cores_.size();
    if (cores_[candidate]->connections() < cores_[best]->connections()) best = candidate;
  }
  return cores_[best];
}

}  // namespace lodestar::web
