// What a cluster says about who serves which slots: the reply to CLUSTER SLOTS, and MOVED and ASK.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reply.hpp"
#include "server_url.hpp"

namespace lodestar::redis_tier {

struct slot_range {
  std::uint16_t first;
  std::uint16_t last;
  address primary;
  friend bool operator==(const slot_range&, const slot_range&) = default;
};

/// `asked`: whoever has answered; a node may leave out its own host. The error says what is wrong.
[[nodiscard]] std::expected<std::vector<slot_range>, std::string> slot_ranges_of(
    const reply& answer, const address& asked);

struct redirection {
  bool for_good;  ///< MOVED; otherwise ASK: only this time.
  std::uint16_t slot;
  address to;
  friend bool operator==(const redirection&, const redirection&) = default;
};

/// "MOVED 3999 127.0.0.1:6381"; nothing for any other text. `from`: whoever has answered.
[[nodiscard]] std::optional<redirection> redirection_of(std::string_view answer,
                                                        const address& from);

}  // namespace lodestar::redis_tier
