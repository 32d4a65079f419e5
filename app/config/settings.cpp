#include "config/settings.hpp"

#include <array>
#include <cctype>
#include <cstdlib>
#include <iterator>

#include <fmt/format.h>

#include "config/text.hpp"

namespace lodestar::app {
namespace {

constexpr std::int64_t mib_max = 1 << 20;

constexpr std::array descriptions = {
    setting_description{"server.listen", "address and port to listen on", &settings::listen},
    setting_description{"server.threads", "threads that serve HTTP, 0 = one per core", nullptr,
                        &settings::server_threads, 0, 256},
    setting_description{"server.connections_max", "connections open at the same time", nullptr,
                        &settings::connections_max, 1, 1'000'000},
    setting_description{"server.body_mib_max", "largest request body in MiB", nullptr,
                        &settings::body_mib_max, 1, 1024},
    setting_description{"store.data_folder", "folder of the event log", &settings::data_folder},
    setting_description{"analytics.threads", "threads of DuckDB, 0 = one per core", nullptr,
                        &settings::analytics_threads, 0, 256},
    setting_description{"analytics.memory_mib_max",
                        "memory limit of DuckDB in MiB, 0 = its default", nullptr,
                        &settings::analytics_memory_mib_max, 0, mib_max},
    setting_description{"analytics.round_interval_ms",
                        "shortest time between two refreshes of a page", nullptr,
                        &settings::round_interval_ms, 0, 3'600'000},
    setting_description{"cache.mib_max", "memory for cached results in MiB", nullptr,
                        &settings::cache_mib_max, 1, mib_max},
    setting_description{"cache.file_mib_max",
                        "size of the file of results in the data folder in MiB, 0 = no file",
                        nullptr, &settings::cache_file_mib_max, 0, mib_max},
    setting_description{.key = "cache.redis_url",
                        .help = "Redis server for results, redis:// or rediss://, empty = none",
                        .text = &settings::cache_redis_url,
                        .is_url = true},
    setting_description{"cache.redis_key_prefix", "what the keys there begin with",
                        &settings::cache_redis_key_prefix},
    setting_description{"log.level", "debug, info, warning, error or off", &settings::log_level},
};

class settings_reader {
 public:
  settings_reader(effective_settings& effective, problems& found)
      : effective_(effective), found_(found) {}

  void set(const setting_description& setting, std::string_view value, const std::string& source) {
    if (setting.text != nullptr) {
      effective_.values.*setting.text = value;
    } else {
      const auto number = parse_integer(value);
      if (!number || *number < setting.number_min || *number > setting.number_max) {
        found_.add(source, fmt::format("{} must be an integer from {} to {}, not \"{}\"",
                                       setting.key, setting.number_min, setting.number_max, value));
        return;
      }
      effective_.values.*setting.number = *number;
    }
    effective_.sources.insert_or_assign(std::string(setting.key), source);
  }

 private:
  effective_settings& effective_;
  problems& found_;
};

void read_from_file(toml_table root, settings_reader& reader) {
  std::map<std::string, toml_table, std::less<>> groups;
  for (const auto& setting : descriptions) {
    const auto dot = setting.key.find('.');
    const auto group_name = setting.key.substr(0, dot);
    const auto key = setting.key.substr(dot + 1);
    auto group = groups.find(group_name);
    if (group == groups.end())
      group = groups.emplace(std::string(group_name), root.table(group_name)).first;
    if (setting.text != nullptr) {
      if (const auto value = group->second.text(key))
        reader.set(setting, *value, group->second.place(key));
    } else if (const auto value = group->second.integer(key)) {
      reader.set(setting, std::to_string(*value), group->second.place(key));
    }
  }
  for (auto& [name, group] : groups) group.finish();
}

void check_values(const effective_settings& effective, problems& found) {
  const auto& sources = effective.sources;
  if (const auto address = parse_listen_address(effective.values.listen); !address) {
    found.add(sources.at("server.listen"), address.error().message, address.error().hint);
  }
  const std::string& redis = effective.values.cache_redis_url;
  if (!redis.empty() && !redis.starts_with("redis://") && !redis.starts_with("rediss://")) {
    found.add(sources.at("cache.redis_url"), "cache.redis_url is no URL of a Redis server",
              "write for example redis://:password@127.0.0.1:6379/0");
  }
  const std::string& level = effective.values.log_level;
  if (level != "debug" && level != "info" && level != "warning" && level != "error" &&
      level != "off") {
    found.add(sources.at("log.level"), fmt::format("log.level must not be \"{}\"", level),
              suggest(level, {"debug", "info", "warning", "error", "off"}));
  }
}

std::string without_password(const std::string& url) {
  const auto begin = url.find("://");
  const auto end = url.rfind('@');
  if (begin == std::string::npos || end == std::string::npos || end < begin + 3) return url;
  return url.substr(0, begin + 3) + "***" + url.substr(end);
}

}  // namespace

std::span<const setting_description> setting_descriptions() noexcept {
  return descriptions;
}

std::string environment_name(std::string_view key) {
  std::string name = "LODESTAR_";
  for (const char character : key) {
    name += character == '.'
                ? '_'
                : static_cast<char>(std::toupper(static_cast<unsigned char>(character)));
  }
  return name;
}

effective_settings read_settings(toml_table root, const setting_flags& flags, problems& found) {
  effective_settings effective;
  for (const auto& setting : descriptions) effective.sources.emplace(setting.key, "default");
  settings_reader reader(effective, found);
  read_from_file(std::move(root), reader);
  for (const auto& setting : descriptions) {
    const std::string variable = environment_name(setting.key);
    if (const char* value = std::getenv(variable.c_str()))
      reader.set(setting, value, "environment variable " + variable);
  }
  for (const auto& setting : descriptions) {
    if (const auto given = flags.find(setting.key); given != flags.end()) {
      reader.set(setting, given->second, "command line");
    }
  }
  check_values(effective, found);
  return effective;
}

std::string effective_settings::describe() const {
  std::string out;
  for (const auto& setting : descriptions) {
    std::string value =
        setting.text != nullptr ? values.*setting.text : std::to_string(values.*setting.number);
    if (setting.is_url) value = without_password(value);
    fmt::format_to(std::back_inserter(out), "{:<30} = {:<20} # {}; {}\n", setting.key, value,
                   sources.find(setting.key)->second, setting.help);
  }
  return out;
}

result<listen_address> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto refuse = [&] {
    return fail(error_code::invalid_argument,
                fmt::format("\"{}\" is not an address with a port", text), {},
                "write for example 127.0.0.1:8080");
  };
  if (colon == std::string_view::npos || colon == 0) return refuse();
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65'535) return refuse();
  std::string_view address = text.substr(0, colon);
  if (address.front() == '[') {
    if (address.back() != ']') return refuse();
    address = address.substr(1, address.size() - 2);
  }
  return listen_address{std::string(address), static_cast<std::uint16_t>(*port)};
}

}  // namespace lodestar::app
