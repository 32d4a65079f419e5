// The limits of server.hpp that are not options. They are a value so that tests can make them
// small.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lodestar::web {

struct server_limits {
  std::int64_t head_ms = 10'000;  ///< From the first byte of a head (or the connection) to its end.
  std::int64_t body_grace_ms = 5'000;  ///< So long a body may be slower than the rate below.
  std::int64_t body_bytes_per_second_min = 1'000;
  std::int64_t idle_ms = 75'000;         ///< Between two requests.
  std::int64_t write_stall_ms = 30'000;  ///< Without the client taking a byte of an answer.
  std::int64_t drain_ms =
      2'000;  ///< Reading on after the last answer, so that it is not lost to a reset.
  std::int64_t accept_retry_ms = 100;  ///< After the process ran out of descriptors.
  std::size_t refused_connections_max =
      256;  ///< Beyond connections_max, so many at a time get their 503.
};

inline constexpr std::size_t request_line_bytes_max = 8'192;
inline constexpr std::size_t header_bytes_max = 16'384;
inline constexpr std::size_t headers_max = 100;

}  // namespace lodestar::web
