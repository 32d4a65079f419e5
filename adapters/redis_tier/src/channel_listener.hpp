// A subscription's connection and whom it tells.
//
// Thread-safety: the loop's thread.
#pragma once

#include <memory>
#include <string>

#include <lodestar/redis_tier/client.hpp>

#include "connection.hpp"
#include "router.hpp"
#include "surroundings.hpp"

namespace lodestar::redis_tier {

class channel_listener {
 public:
  channel_listener(std::string channel, subscription_events events)
      : channel_(std::move(channel)), events_(std::move(events)) {}

  void start(const surroundings& around, router& by);
  steady_time tick(steady_time now) { return connection_->tick(now); }
  void close(const error& why);

 private:
  void note_lost(const error& why);

  const std::string channel_;
  subscription_events events_;
  router* router_ = nullptr;
  std::shared_ptr<connection> connection_;
  bool is_listening_ = false;
};

}  // namespace lodestar::redis_tier
