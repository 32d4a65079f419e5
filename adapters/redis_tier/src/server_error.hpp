// What an error that the server answers means to the caller and to the connection.
#pragma once

#include <string_view>

#include <lodestar/base/error.hpp>

namespace lodestar::redis_tier {

struct server_error {
  error what;
  /// Another connection may fare better: a server that loads its data, that became a replica, or
  /// that wants a password now.
  bool reconnects = false;
};

/// `answer`: "OOM command not allowed …", without the '-'. `server`: its address, for the message.
[[nodiscard]] server_error server_error_of(std::string_view answer, std::string_view server);

}  // namespace lodestar::redis_tier
