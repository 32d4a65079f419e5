// Which connection a command takes. One server or a cluster: single_server.hpp, cluster.hpp.
//
// Commands with the same route keep their order; a command of several keys may name only keys of
// one route.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>

#include "command.hpp"
#include "connection.hpp"

namespace lodestar::redis_tier {

using connections = std::vector<std::shared_ptr<connection>>;

class router {
 public:
  virtual ~router() = default;

  // Any thread.

  [[nodiscard]] virtual std::uint32_t route_of(std::string_view key) const noexcept = 0;
  /// Why a command would be refused at present, as far as that can be told; nothing: try.
  [[nodiscard]] virtual std::optional<error> refusal(std::uint32_t route) const = 0;

  // The loop's thread.

  virtual void start() = 0;
  virtual void send(command next) = 0;
  virtual steady_time tick(steady_time now) = 0;
  /// For ever: what is open is answered with it.
  virtual void close(const error& why) = 0;
  /// The connections to each server that holds keys. Nothing: that is not known at present.
  [[nodiscard]] virtual std::vector<connections> servers() const = 0;
  /// Where to listen for messages; another one after each call, where there are several.
  [[nodiscard]] virtual address next_server() = 0;
};

}  // namespace lodestar::redis_tier
