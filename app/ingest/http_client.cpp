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

namespace lodestar::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::size_t answer_bytes_max = 64u << 20;

class beast_client final : public http_client {
 public:
  beast_client(std::string host, std::string port)
      : host_(std::move(host)), port_(std::move(port)) {}

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
    http::request<http::string_body> request(http::verb::post,
                                             beast::string_view(path.data(), path.size()), 11);
    request.set(http::field::host, host_ + ":" + port_);
    request.set(http::field::content_type,
                beast::string_view(content_type.data(), content_type.size()));
    request.body() = body;
    request.prepare_payload();
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    beast::flat_buffer buffer;
    std::optional<beast::error_code> outcome;
    const auto finish = [&outcome](beast::error_code status) { outcome = status; };
    begin(deadline_ms, [&](beast::error_code status) {
      if (status) return finish(status);
      http::async_write(*stream_, request, [&](beast::error_code written, std::size_t) {
        if (written) return finish(written);
        http::async_read(*stream_, buffer, parser,
                         [&](beast::error_code read, std::size_t) { finish(read); });
      });
    });
    context_.restart();
    context_.run();
    return conclude(outcome.value_or(asio::error::operation_aborted), parser);
  }

  template <class Then>
  void begin(std::int64_t deadline_ms, Then then) {
    if (stream_) {
      stream_->expires_after(std::chrono::milliseconds(deadline_ms));
      return asio::post(context_, [then = std::move(then)]() mutable { then({}); });
    }
    stream_.emplace(context_);
    stream_->expires_after(std::chrono::milliseconds(deadline_ms));
    beast::error_code status;
    const auto endpoints = asio::ip::tcp::resolver(context_).resolve(host_, port_, status);
    if (status)
      return asio::post(context_, [then = std::move(then), status]() mutable { then(status); });
    stream_->async_connect(
        endpoints, [then = std::move(then)](beast::error_code connected, const auto&) mutable {
          then(connected);
        });
  }

  result<http_answer> conclude(beast::error_code status,
                               http::response_parser<http::string_body>& parser) {
    if (!status) {
      auto message = parser.release();
      if (!message.keep_alive()) stream_.reset();
      return http_answer{static_cast<int>(message.result_int()), std::move(message.body())};
    }
    stream_.reset();
    const auto code =
        status == beast::error::timeout ? error_code::deadline_exceeded : error_code::unavailable;
    return fail(code,
                fmt::format("no answer from http://{}:{}: {}", host_, port_, status.message()), {},
                "is the server running?");
  }

  std::string host_, port_;
  asio::io_context context_;
  std::optional<beast::tcp_stream> stream_;
};

}  // namespace

result<std::unique_ptr<http_client>> http_client::make(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  std::string_view rest = url;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const auto colon = rest.rfind(':');
  if (!rest.starts_with(scheme) || colon == std::string_view::npos || colon <= scheme.size() ||
      rest.find('/', scheme.size()) != std::string_view::npos) {
    return fail(error_code::invalid_argument, fmt::format("\"{}\" is not a server address", url),
                {}, "write for example http://127.0.0.1:8080");
  }
  return std::make_unique<beast_client>(
      std::string(rest.substr(scheme.size(), colon - scheme.size())),
      std::string(rest.substr(colon + 1)));
}

}  // namespace lodestar::app
