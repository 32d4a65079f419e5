// The commands that remove keys: for each route, in batches.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "router.hpp"

namespace lodestar::redis_tier {

struct unlink_command {
  std::string wire;
  std::uint32_t route;
};

/// `keys`: as they are in the server, with their prefix.
[[nodiscard]] std::vector<unlink_command> unlink_commands(std::span<const std::string> keys,
                                                          const router& by);

}  // namespace lodestar::redis_tier
