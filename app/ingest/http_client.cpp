#include "ingest/http_client.hpp"

#include <chrono>
#include <optional>

#include <fmt/format.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "config/text.hpp"

namespace lodestar::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::size_t answer_bytes_max = 64u << 20;

/// Host and port of a URL; an IPv6 address without its brackets.
struct server_address {
  std::string host, port;

  [[nodiscard]] std::string authority() const {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                               : fmt::format("[{}]:{}", host, port);
  }
};

std::optional<server_address> parse_address(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return std::nullopt;
  url.remove_prefix(scheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = url.substr(0, colon);
  const std::string_view port = url.substr(colon + 1);
  const auto port_number = parse_integer(port).value_or(0);
  if (port_number < 1 || port_number > 65'535) return std::nullopt;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    beast::error_code status;
    (void)asio::ip::make_address_v6(std::string(host), status);
    if (status) return std::nullopt;
  } else if (host.empty() || host.find_first_of(":[]/@") != std::string_view::npos) {
    return std::nullopt;
  }
  return server_address{std::string(host), std::string(port)};
}

/// A request and its answer. The operations under way share it: when the deadline passes they end
/// after attempt() has returned.
struct exchange {
  http::request<http::string_body> request;
  http::response_parser<http::string_body> parser;
  beast::flat_buffer buffer;
  std::optional<beast::error_code> outcome;
};

using shared_exchange = std::shared_ptr<exchange>;

class beast_client final : public http_client {
 public:
  explicit beast_client(server_address server) : server_(std::move(server)) {}

  [[nodiscard]] result<http_answer> post(std::string_view path, std::string_view content_type,
                                         std::string_view body, std::int64_t deadline_ms) override {
    const bool was_open = stream_.has_value();
    auto answer = attempt(path, content_type, body, deadline_ms);
    // A kept connection may have been closed while it was idle; event ids make sending twice
    // harmless.
    if (!answer && was_open && answer.error().code == error_code::unavailable) {
      answer = attempt(path, content_type, body, deadline_ms);
    }
    return answer;
  }

 private:
  result<http_answer> attempt(std::string_view path, std::string_view content_type,
                              std::string_view body, std::int64_t deadline_ms) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(deadline_ms);
    const auto now = std::make_shared<exchange>();
    now->request = {http::verb::post, beast::string_view(path.data(), path.size()), 11};
    now->request.set(http::field::host, server_.authority());
    now->request.set(http::field::content_type,
                     beast::string_view(content_type.data(), content_type.size()));
    now->request.body() = body;
    now->request.prepare_payload();
    now->parser.body_limit(answer_bytes_max);
    context_.restart();
    if (stream_)
      send(now);
    else
      resolve(now);
    while (!now->outcome && context_.run_one_until(until) > 0) {
    }
    return conclude(*now);
  }

  void resolve(const shared_exchange& now) {
    resolver_.async_resolve(server_.host, server_.port,
                            [this, now](beast::error_code status, const auto& endpoints) {
                              if (now->outcome || status) return finish(*now, status);
                              connect(now, endpoints);
                            });
  }

  void connect(const shared_exchange& now, const asio::ip::tcp::resolver::results_type& endpoints) {
    stream_.emplace(context_);
    stream_->async_connect(endpoints, [this, now](beast::error_code status, const auto&) {
      if (now->outcome || status) return finish(*now, status);
      send(now);
    });
  }

  void send(const shared_exchange& now) {
    http::async_write(*stream_, now->request, [this, now](beast::error_code status, std::size_t) {
      if (now->outcome || status) return finish(*now, status);
      receive(now);
    });
  }

  void receive(const shared_exchange& now) {
    http::async_read(*stream_, now->buffer, now->parser,
                     [now](beast::error_code status, std::size_t) { finish(*now, status); });
  }

  static void finish(exchange& of, beast::error_code status) {
    if (!of.outcome) of.outcome = status;
  }

  result<http_answer> conclude(exchange& done) {
    finish(done, beast::error::timeout);
    const auto status = *done.outcome;
    if (!status) {
      auto message = done.parser.release();
      if (!message.keep_alive()) stream_.reset();
      return http_answer{static_cast<int>(message.result_int()), std::move(message.body())};
    }
    resolver_.cancel();
    stream_.reset();
    const auto code =
        status == beast::error::timeout ? error_code::deadline_exceeded : error_code::unavailable;
    return fail(code,
                fmt::format("no answer from http://{}: {}", server_.authority(), status.message()),
                {}, "is the server running?");
  }

  server_address server_;
  asio::io_context context_;
  asio::ip::tcp::resolver resolver_{context_};
  std::optional<beast::tcp_stream> stream_;
};

}  // namespace

result<std::unique_ptr<http_client>> http_client::make(std::string_view url) {
  auto server = parse_address(url);
  if (!server) {
    return fail(error_code::invalid_argument, fmt::format("\"{}\" is not a server address", url),
                {}, "write for example http://127.0.0.1:8080 or http://[::1]:8080");
  }
  return std::make_unique<beast_client>(std::move(*server));
}

}  // namespace lodestar::app
