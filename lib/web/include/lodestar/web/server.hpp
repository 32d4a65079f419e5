// An HTTP/1.1 server: one io_context and thread per core, a connection stays on its core,
// everything bounded.
//
// The handler gets a whole request and an exchange; it answers at once or later, from any thread,
// exactly once: with a response, or by turning the connection into an event stream. An exchange
// that is destroyed without an answer sends 500.
//
// Limits (docs/reference/http.md): request line 8 KiB → 414, headers 16 KiB or 100 → 431, body
// options.body_bytes_max → 413, head within 10 s and body at 1,000 B/s after 5 s → 408, idle
// keep-alive connection 75 s, write stall 30 s, connections_max (beyond it: 503 and close).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <lodestar/base/error.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/web/http.hpp>

namespace lodestar::web {

class feed;

struct server_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0 = a free one, see server::port().
  std::size_t threads = 0;    ///< 0 = one per core.
  std::size_t connections_max = 15'000;
  std::size_t body_bytes_max = 8u << 20;
  std::int64_t heartbeat_ms =
      15'000;  ///< A heartbeat on a stream that was silent for so long, see feed.hpp.
  std::int64_t stream_stall_ms =
      30'000;  ///< A viewer whose socket takes nothing for so long is closed.
};

/// One request's way to be answered. Movable; may be kept and used from any thread, also after the
/// client has gone.
class exchange {
 public:
  class channel;
  explicit exchange(std::shared_ptr<channel> wire) noexcept;
  exchange(exchange&&) noexcept;
  exchange& operator=(exchange&&) noexcept;
  ~exchange();

  /// Sends the answer. Calling a second time is a programmer error.
  void send(response answer);
  /// Answers 200 text/event-stream and shows the feed to this client until it goes, the feed closes
  /// or the server stops.
  void stream(std::shared_ptr<feed> source);

 private:
  std::shared_ptr<channel> wire_;
};

/// Called on the threads of the server, by several at once. It must not block: what waits or
/// computes goes to another thread with the exchange. An exception is logged and answered with 500.
using handler = std::function<void(request, exchange)>;

class server {
 public:
  /// Listens and starts the threads. Errors: unavailable (port taken: the hint names another),
  /// permission_denied, invalid_argument (address).
  [[nodiscard]] static result<std::unique_ptr<server>> start(const server_options& settings,
                                                             handler on_request,
                                                             metrics_registry& metrics);
  virtual ~server() = default;
  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
  /// Stops accepting, aborts streams (so that clients come back), finishes answers under way for at
  /// most grace_ms, then closes everything and joins. May be called twice, not from a handler. The
  /// destructor stops without grace.
  virtual void stop(std::int64_t grace_ms) = 0;
};

}  // namespace lodestar::web
