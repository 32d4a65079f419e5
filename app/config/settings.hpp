// The settings of a process: from the command line, the environment, lodestar.toml and the
// defaults, in this order of precedence. Each value remembers where it came from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"
#include "config/toml_file.hpp"

namespace lodestar::app {

struct settings {
  std::string listen = "127.0.0.1:8080";
  std::int64_t server_threads = 0;
  std::int64_t connections_max = 15'000;
  std::int64_t body_mib_max = 8;
  std::string data_folder = "data";
  std::int64_t analytics_threads = 0;
  std::int64_t analytics_memory_mib_max = 0;
  std::int64_t round_interval_ms = 10;
  std::int64_t cache_mib_max = 256;
  std::int64_t cache_file_mib_max = 256;
  std::string cache_redis_url = {};
  std::string cache_redis_key_prefix = "lodestar:";
  std::string log_level = "info";
};

/// One setting: its key in lodestar.toml ("server.listen"), its environment variable is
/// LODESTAR_SERVER_LISTEN, its flag --server-listen.
struct setting_description {
  std::string_view key;
  std::string_view help;
  std::string settings::* text = nullptr;
  std::int64_t settings::* number = nullptr;
  std::int64_t number_min = 0;
  std::int64_t number_max = 0;
  bool is_url = false;  ///< May hold a password, which is not shown.
};

[[nodiscard]] std::span<const setting_description> setting_descriptions() noexcept;

/// LODESTAR_SERVER_LISTEN of "server.listen".
[[nodiscard]] std::string environment_name(std::string_view key);

/// Values given on the command line, by key.
using setting_flags = std::map<std::string, std::string, std::less<>>;

struct effective_settings {
  settings values;
  std::map<std::string, std::string, std::less<>>
      sources;  ///< Key → "--server-listen", "lodestar.toml:4", "default" …

  /// One line per setting: key = value, and where it came from.
  [[nodiscard]] std::string describe() const;
};

/// Reads the setting tables of lodestar.toml (`root` may stand for an absent file), then
/// environment and flags.
[[nodiscard]] effective_settings read_settings(toml_table root, const setting_flags& flags,
                                               problems& found);

/// The address and the port of "127.0.0.1:8080" or "[::1]:8080".
struct listen_address {
  std::string address;
  std::uint16_t port = 0;
};
[[nodiscard]] result<listen_address> parse_listen_address(std::string_view text);

}  // namespace lodestar::app
