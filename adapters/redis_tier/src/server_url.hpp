// Where the servers are and who asks them: the URL of the options, taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/base/error.hpp>

namespace lodestar::redis_tier {

struct address {
  std::string host;  ///< A name, or an IP address without brackets.
  std::uint16_t port = 6379;

  /// "host:port", "[::1]:port".
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const address&, const address&) = default;
};

struct server_url {
  bool tls = false;
  std::string user = {};
  std::string password = {};
  std::vector<address> hosts = {};  ///< Several: nodes of a cluster.
  unsigned database = 0;
};

/// Error: invalid_argument, place "url:POSITION". No message repeats a part of the URL: which one
/// is the password is a guess when the URL is wrong.
[[nodiscard]] result<server_url> parse_url(std::string_view url);

}  // namespace lodestar::redis_tier
