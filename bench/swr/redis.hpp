// The Redis that the scenarios use.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "support/files.hpp"
#include "support/process.hpp"

namespace lodestar::bench {

/// A server of our own on a free port of 127.0.0.1, gone at the end.
class private_redis {
 public:
  /// Nothing when redis-server is not installed.
  [[nodiscard]] static std::unique_ptr<private_redis> start();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const;

 private:
  explicit private_redis(const std::string& program);

  const temp_folder folder_;
  std::uint16_t port_ = 0;
  std::optional<child_process> process_;
};

}  // namespace lodestar::bench
