// The router of one server: a key always takes the same of its connections.
#pragma once

#include "router.hpp"

namespace lodestar::redis_tier {

class single_server final : public router {
 public:
  explicit single_server(const surroundings& around);

  [[nodiscard]] std::uint32_t route_of(std::string_view key) const noexcept override;
  [[nodiscard]] std::optional<error> refusal(std::uint32_t route) const override;
  void start() override;
  void send(command next) override;
  steady_time tick(steady_time now) override;
  void close(const error& why) override;
  [[nodiscard]] std::vector<connections> servers() const override { return {connections_}; }
  [[nodiscard]] address next_server() override { return server_; }

 private:
  const address server_;
  connections connections_;
};

}  // namespace lodestar::redis_tier
