// What all parts on the loop's thread share. Must outlive them.
#pragma once

#include <string>
#include <vector>

#include <lodestar/redis_tier/redis_tier.hpp>

#include "alarm.hpp"
#include "asio.hpp"
#include "server_url.hpp"
#include "turns.hpp"

namespace lodestar::redis_tier {

/// For a test that must find it: the reply of a command that has timed out is given to the next.
enum class late_reply : std::uint8_t { thrown_away, given_to_the_next };

struct surroundings {
  const options& settings;
  const server_url& url;
  asio::io_context& context;
  alarm& wake;
  redis_tier::turns& turns;
  asio::ssl::context* tls = nullptr;
  late_reply late = late_reply::thrown_away;

  [[nodiscard]] steady_time now() const { return settings.time->now(); }
};

}  // namespace lodestar::redis_tier
