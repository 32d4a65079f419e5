#include <lodestar/redis_tier/redis_tier.hpp>

#include <filesystem>
#include <utility>

#include "redis_store.hpp"

namespace lodestar::redis_tier {
namespace {

constexpr std::size_t connections_max = 64;
// Redis' own limit.
constexpr std::size_t value_bytes_limit = 512U << 20;

[[nodiscard]] result<void> check(const options& settings) {
  const auto wrong = [](std::string place, std::string message, std::string hint) {
    return fail(error_code::invalid_argument, std::move(message), std::move(place),
                std::move(hint));
  };
  if (settings.key_prefix.empty())
    return wrong("key_prefix", "the keys of a store in Redis need a prefix",
                 "give one that nobody else uses there, such as \"lodestar:\"");
  if (settings.connections == 0 || settings.connections > connections_max)
    return wrong("connections", "a store has from 1 to 64 connections to a Redis server",
                 "1 is enough for most");
  for (const auto& [name, time] : {std::pair{"connect_timeout", settings.connect_timeout},
                                   std::pair{"reply_timeout", settings.reply_timeout},
                                   std::pair{"idle_max", settings.idle_max}})
    if (time <= milliseconds::zero())
      return wrong(name, "a time must be more than nothing", "make it larger");
  if (settings.value_bytes_max == 0 || settings.value_bytes_max > value_bytes_limit)
    return wrong("value_bytes_max", "a value in Redis has at most 512 MiB", "make it smaller");
  return {};
}

using tls_pointer = std::unique_ptr<asio::ssl::context>;

[[nodiscard]] result<tls_pointer> make_tls(const options& settings) {
  auto made = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(made->native_handle(), TLS1_2_VERSION);
  io_error problem;
  if (settings.ca_file.empty()) {
    made->set_default_verify_paths(problem);
  } else {
    std::error_code ignored;
    if (!std::filesystem::exists(settings.ca_file, ignored))
      return fail(error_code::not_found, "the file of certificates to trust is not there",
                  settings.ca_file.string(), "see the option ca_file");
    made->load_verify_file(settings.ca_file.string(), problem);
  }
  if (problem)
    return fail(error_code::corrupt,
                "the certificates to trust cannot be read: " + problem.message(),
                settings.ca_file.string(), "it must be a file in the PEM format");
  return made;
}

}  // namespace

result<std::unique_ptr<client>> connect_with(const options& settings, late_reply late) {
  if (auto right = check(settings); !right) return std::unexpected(right.error());
  auto url = parse_url(settings.url);
  if (!url) return std::unexpected(url.error());
  tls_pointer tls;
  if (url->tls) {
    auto made = make_tls(settings);
    if (!made) return std::unexpected(made.error());
    tls = *std::move(made);
  }
  return std::make_unique<redis_store>(settings, *std::move(url), std::move(tls), late);
}

result<std::unique_ptr<client>> connect(const options& settings) {
  return connect_with(settings, late_reply::thrown_away);
}

result<std::unique_ptr<swr::store>> open(const options& settings) {
  return connect(settings);
}

}  // namespace lodestar::redis_tier
