// A stream of bytes to a server, plain or through TLS.
//
// Thread-safety: the loop's thread. Lifetimes: it must live until what was begun has been answered;
// close() makes all of it end soon.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "asio.hpp"

namespace lodestar::redis_tier {

class transport {
 public:
  using ended = std::move_only_function<void(io_error)>;
  using moved = std::move_only_function<void(io_error, std::size_t)>;

  virtual ~transport() = default;
  /// Tries one after the other; has ended when bytes can be sent.
  virtual void connect(std::vector<tcp::endpoint> where, ended done) = 0;
  virtual void read(std::span<char> into, moved done) = 0;
  /// How many the system takes at once: none when that cannot be told without waiting. What has
  /// failed is told by a write() of the rest.
  [[nodiscard]] virtual std::size_t write_now(std::string_view bytes) noexcept = 0;
  /// All of them.
  virtual void write(std::string_view bytes, moved done) = 0;
  virtual void close() noexcept = 0;
  /// More about why connect() has failed, where there is more.
  [[nodiscard]] virtual std::string failure() const { return {}; }
};

/// With a TLS context: the certificate must be for that host.
[[nodiscard]] std::unique_ptr<transport> make_transport(asio::io_context& context,
                                                        asio::ssl::context* tls,
                                                        const std::string& host);

}  // namespace lodestar::redis_tier
