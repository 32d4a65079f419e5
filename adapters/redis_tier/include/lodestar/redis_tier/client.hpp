// A store in Redis (redis_tier.hpp) through which messages are sent and received as well, on the
// same thread.
//
//   auto connected = redis_tier::connect({.url = "redis://cache.example"});
//   client& redis = **connected;
//   const auto listening = redis.subscribe("invalidations", {
//       .on_message = [](std::string_view payload) { … },
//       .on_connected = [] { … what was sent meanwhile is lost: catch up … },
//       .on_lost = [](const error& why) { … }});
//   redis.publish("invalidations", "users:42", deadline, [](result<void> sent) { … });
//
// Messages are not kept: who is not connected at that moment does not get them.
//
// Thread-safety: all members from any thread. Lifetimes: a subscription must be destroyed before
// its client. Its callbacks run on the client's thread, must not throw, and should be short; they
// may call the client, and destroy the subscription. When the destructor of a subscription has
// returned on another thread, none of its callbacks runs any more.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <lodestar/redis_tier/redis_tier.hpp>

namespace lodestar::redis_tier {

class subscription {
 public:
  virtual ~subscription() = default;
};

struct subscription_events {
  std::move_only_function<void(std::string_view payload)> on_message;
  /// It listens from now on; called again after each on_lost. May be empty.
  std::move_only_function<void()> on_connected = nullptr;
  /// It listens no more, and tries to again; called once each time. May be empty.
  std::move_only_function<void(const error&)> on_lost = nullptr;
};

class client : public swr::store {
 public:
  /// One connection of its own, which is renewed as those of the store are. Does not wait.
  [[nodiscard]] virtual std::unique_ptr<subscription> subscribe(std::string channel,
                                                                subscription_events events) = 0;
  /// Has succeeded when the server has taken it, also when nobody listens.
  virtual void publish(std::string_view channel, std::string_view payload, steady_time deadline,
                       ended done) = 0;
};

/// As open() does.
[[nodiscard]] result<std::unique_ptr<client>> connect(const options& settings);

}  // namespace lodestar::redis_tier
