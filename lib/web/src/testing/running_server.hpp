// A server on a free port with what a test wants to look at.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <lodestar/web/feed.hpp>
#include <lodestar/web/server.hpp>

#include "server_start.hpp"
#include "testing/client.hpp"

namespace lodestar::web::testing {

/// True as soon as the condition holds, false when it does not within `patience`.
template <class Condition>
[[nodiscard]] bool eventually(Condition holds) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

[[nodiscard]] inline server_options test_options() {
  server_options options;
  options.port = 0;
  options.threads = 2;
  return options;
}

class running_server {
 public:
  explicit running_server(handler on_request, const server_options& options = test_options(),
                          const server_limits& limits = {}) {
    auto started = start_server(options, limits, std::move(on_request), metrics);
    if (!started) throw std::runtime_error(started.error().describe());
    instance = std::move(*started);
  }

  [[nodiscard]] std::uint16_t port() const { return instance->port(); }
  /// The value of a metric in the exposition, −1 when it is not there.
  [[nodiscard]] double metric(const std::string& name) const {
    const std::string text = metrics.expose();
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + name.size() + 2);
  }
  /// One request of its own connection, and its answer.
  [[nodiscard]] std::optional<received> ask(std::string_view bytes, bool to_head = false) const {
    client guest(port());
    guest.write(bytes);
    return guest.read_answer(to_head);
  }

  metrics_registry metrics;
  std::unique_ptr<server> instance;
};

/// Answers with what it was asked: verb, path, query, body.
inline void echo(request incoming, exchange wire) {
  std::string text = incoming.path;
  for (const auto& [name, value] : incoming.query) text += "|" + name + "=" + value;
  text += "|" + incoming.body;
  wire.send(response::text(200, "text/plain", std::move(text)));
}

[[nodiscard]] inline std::string get(std::string_view target, std::string_view more_headers = {}) {
  std::string out = "GET ";
  out.append(target).append(" HTTP/1.1\r\nHost: test\r\n").append(more_headers).append("\r\n");
  return out;
}

}  // namespace lodestar::web::testing
