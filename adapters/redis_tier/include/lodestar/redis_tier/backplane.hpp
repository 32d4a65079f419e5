// A backplane (lodestar/swr/backplane.hpp) over a channel of Redis.
//
//   std::shared_ptr<redis_tier::client> redis = *redis_tier::connect({.url = …});
//   auto below = swr::tiers::make({.tiers = {{.below = redis, .shared = true}},
//                                  .announcements = redis_tier::make_backplane(redis, "lodestar")});
//
// Thread-safety: as the port. Lifetimes: it holds a reference to the client. It must not be
// destroyed on the client's thread.
#pragma once

#include <memory>
#include <string>

#include <lodestar/redis_tier/client.hpp>
#include <lodestar/swr/backplane.hpp>

namespace lodestar::redis_tier {

/// All caches whose tiers are the same use the same channel.
[[nodiscard]] std::shared_ptr<swr::backplane> make_backplane(std::shared_ptr<client> over,
                                                             std::string channel);

}  // namespace lodestar::redis_tier
