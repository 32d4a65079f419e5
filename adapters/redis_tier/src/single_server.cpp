#include "single_server.hpp"

#include <algorithm>
#include <utility>

#include <lodestar/base/hash.hpp>

namespace lodestar::redis_tier {

single_server::single_server(const surroundings& around) : server_(around.url.hosts.front()) {
  for (std::size_t count = 0; count < around.settings.connections; ++count)
    connections_.push_back(std::make_shared<connection>(around, server_, connection_events{}));
}

std::uint32_t single_server::route_of(std::string_view key) const noexcept {
  if (connections_.size() == 1) return 0;
  return static_cast<std::uint32_t>(hash_bytes_64(key) % connections_.size());
}

std::optional<error> single_server::refusal(std::uint32_t route) const {
  return connections_[route]->status().down();
}

void single_server::start() {
  for (const auto& each : connections_) each->start();
}

void single_server::send(command next) {
  connection& taken = *connections_[next.route];
  taken.send(std::move(next));
}

steady_time single_server::tick(steady_time now) {
  steady_time next = steady_time::max();
  for (const auto& each : connections_) next = std::min(next, each->tick(now));
  return next;
}

void single_server::close(const error& why) {
  for (const auto& each : connections_) each->close(why);
}

}  // namespace lodestar::redis_tier
