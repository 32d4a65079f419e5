#include "transport.hpp"

#include <utility>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace lodestar::redis_tier {
namespace {

void set_options(tcp::socket& socket) {
  io_error ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
}

void close_socket(tcp::socket& socket) noexcept {
  io_error ignored;
  socket.close(ignored);
}

// The endpoints live as long as the attempt.
void connect_any(tcp::socket& socket, std::vector<tcp::endpoint> where, transport::ended done) {
  auto tried = std::make_shared<const std::vector<tcp::endpoint>>(std::move(where));
  const auto& list = *tried;
  asio::async_connect(socket, list,
                      [&socket, tried = std::move(tried), done = std::move(done)](
                          io_error problem, const tcp::endpoint&) mutable {
                        if (!problem) set_options(socket);
                        done(problem);
                      });
}

class plain_transport final : public transport {
 public:
  explicit plain_transport(asio::io_context& context) : socket_(context) {}

  void connect(std::vector<tcp::endpoint> where, ended done) override {
    connect_any(socket_, std::move(where), std::move(done));
  }
  void read(std::span<char> into, moved done) override {
    socket_.async_read_some(asio::buffer(into.data(), into.size()), std::move(done));
  }
  [[nodiscard]] std::size_t write_now(std::string_view bytes) noexcept override {
    io_error problem;
    return socket_.write_some(asio::buffer(bytes), problem);
  }
  void write(std::string_view bytes, moved done) override {
    asio::async_write(socket_, asio::buffer(bytes), std::move(done));
  }
  void close() noexcept override { close_socket(socket_); }

 private:
  tcp::socket socket_;
};

class tls_transport final : public transport {
 public:
  tls_transport(asio::io_context& context, asio::ssl::context& tls, std::string host)
      : stream_(context, tls), host_(std::move(host)) {}

  void connect(std::vector<tcp::endpoint> where, ended done) override {
    connect_any(stream_.next_layer(), std::move(where),
                [this, done = std::move(done)](io_error problem) mutable {
                  if (problem) return done(problem);
                  shake_hands(std::move(done));
                });
  }
  void read(std::span<char> into, moved done) override {
    stream_.async_read_some(asio::buffer(into.data(), into.size()), std::move(done));
  }
  // What is written is encrypted first, which only goes on when the socket does.
  [[nodiscard]] std::size_t write_now(std::string_view) noexcept override { return 0; }
  void write(std::string_view bytes, moved done) override {
    asio::async_write(stream_, asio::buffer(bytes), std::move(done));
  }
  void close() noexcept override { close_socket(stream_.next_layer()); }

  [[nodiscard]] std::string failure() const override {
    const long outcome = SSL_get_verify_result(const_cast<stream&>(stream_).native_handle());
    return outcome == X509_V_OK ? "" : X509_verify_cert_error_string(outcome);
  }

 private:
  using stream = asio::ssl::stream<tcp::socket>;

  void shake_hands(ended done) {
    io_error problem;
    asio::ip::make_address(host_, problem);
    const bool is_name = problem.failed();
    if (is_name) SSL_set_tlsext_host_name(stream_.native_handle(), host_.c_str());
    stream_.set_verify_mode(asio::ssl::verify_peer, problem);
    if (!problem) {
      stream_.set_verify_callback(asio::ssl::host_name_verification(host_), problem);
    }
    if (problem) return done(problem);
    stream_.async_handshake(asio::ssl::stream_base::client, std::move(done));
  }

  stream stream_;
  const std::string host_;
};

}  // namespace

std::unique_ptr<transport> make_transport(asio::io_context& context, asio::ssl::context* tls,
                                          const std::string& host) {
  if (tls == nullptr) return std::make_unique<plain_transport>(context);
  return std::make_unique<tls_transport>(context, *tls, host);
}

}  // namespace lodestar::redis_tier
