#include "server_url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "asio.hpp"

namespace lodestar::redis_tier {
namespace {

// Redis' own limit is the number of databases that it was started with.
constexpr unsigned database_max = 1U << 20;
constexpr std::size_t hosts_max = 256;

class url_parser {
 public:
  explicit url_parser(std::string_view url) noexcept : url_(url) {}

  [[nodiscard]] result<server_url> parse();

 private:
  [[nodiscard]] std::unexpected<error> wrong(std::string_view at, std::string message,
                                             std::string hint) const {
    const auto position = at.data() - url_.data();
    return fail(error_code::invalid_argument, std::move(message), fmt::format("url:{}", position),
                std::move(hint));
  }
  [[nodiscard]] result<void> take_scheme();
  [[nodiscard]] result<void> take_user(std::string_view part);
  [[nodiscard]] result<void> take_hosts(std::string_view part);
  [[nodiscard]] result<address> host(std::string_view part) const;
  [[nodiscard]] result<address> bracketed(std::string_view part) const;
  [[nodiscard]] result<std::uint16_t> port(std::string_view part) const;
  [[nodiscard]] result<void> take_database(std::string_view part);
  [[nodiscard]] result<std::string> decoded(std::string_view part) const;

  const std::string_view url_;
  std::string_view rest_;
  server_url made_;
};

result<server_url> url_parser::parse() {
  if (auto right = take_scheme(); !right) return std::unexpected(right.error());
  const auto path = std::min(rest_.find('/'), rest_.size());
  std::string_view authority = rest_.substr(0, path);
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    if (auto right = take_user(authority.substr(0, at)); !right)
      return std::unexpected(right.error());
    authority.remove_prefix(at + 1);
  }
  if (auto right = take_hosts(authority); !right) return std::unexpected(right.error());
  if (auto right = take_database(rest_.substr(path)); !right) return std::unexpected(right.error());
  return std::move(made_);
}

result<void> url_parser::take_scheme() {
  constexpr std::string_view plain = "redis://";
  constexpr std::string_view secure = "rediss://";
  made_.tls = url_.starts_with(secure);
  if (!made_.tls && !url_.starts_with(plain))
    return wrong(url_, "the URL is not one of Redis", "begin it with redis:// or rediss://");
  rest_ = url_.substr(made_.tls ? secure.size() : plain.size());
  return {};
}

result<void> url_parser::take_user(std::string_view part) {
  const auto colon = part.find(':');
  if (colon == std::string_view::npos || colon + 1 == part.size())
    return wrong(part, "the URL has a user, but no password", "write user:password@ or :password@");
  auto user = decoded(part.substr(0, colon));
  if (!user) return std::unexpected(user.error());
  auto password = decoded(part.substr(colon + 1));
  if (!password) return std::unexpected(password.error());
  made_.user = *std::move(user);
  made_.password = *std::move(password);
  return {};
}

result<void> url_parser::take_hosts(std::string_view part) {
  for (bool more = true; more;) {
    const auto comma = part.find(',');
    more = comma != std::string_view::npos;
    auto next = host(part.substr(0, comma));
    if (!next) return std::unexpected(next.error());
    made_.hosts.push_back(*std::move(next));
    if (made_.hosts.size() > hosts_max)
      return wrong(part, fmt::format("the URL has more than {} hosts", hosts_max),
                   "name a few nodes of the cluster; the others are found");
    if (more) part.remove_prefix(comma + 1);
  }
  return {};
}

result<address> url_parser::host(std::string_view part) const {
  if (part.starts_with('[')) return bracketed(part);
  const auto colon = std::min(part.find(':'), part.size());
  const std::string_view name = part.substr(0, colon);
  const auto usual = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_';
  };
  if (name.empty()) return wrong(part, "the URL lacks a host", "write redis://host:port");
  if (!std::ranges::all_of(name, usual))
    return wrong(part, "a host in the URL has characters that hosts do not have",
                 "percent-encode '@', ':' and '/' in the password");
  address made{.host = std::string(name)};
  if (colon == part.size()) return made;
  const auto number = port(part.substr(colon + 1));
  if (!number) return std::unexpected(number.error());
  made.port = *number;
  return made;
}

result<address> url_parser::bracketed(std::string_view part) const {
  const auto end = part.find(']');
  if (end == std::string_view::npos)
    return wrong(part, "an IPv6 address in the URL lacks its ']'", "write redis://[::1]:6379");
  address made{.host = std::string(part.substr(1, end - 1))};
  io_error problem;
  asio::ip::make_address_v6(made.host, problem);
  if (problem)
    return wrong(part, "what is in brackets in the URL is no IPv6 address",
                 "write redis://[::1]:6379");
  const std::string_view behind = part.substr(end + 1);
  if (behind.empty()) return made;
  if (behind.front() != ':')
    return wrong(behind, "a port must follow ']' in the URL", "write redis://[::1]:6379");
  const auto number = port(behind.substr(1));
  if (!number) return std::unexpected(number.error());
  made.port = *number;
  return made;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

result<std::uint16_t> url_parser::port(std::string_view part) const {
  const auto value = number_of<std::uint16_t>(part);
  if (!value || *value == 0)
    return wrong(part, "a port in the URL is no number from 1 to 65535",
                 "write redis://host:6379; percent-encode '@', ':' and '/' in the password");
  return *value;
}

result<void> url_parser::take_database(std::string_view part) {
  if (part.size() <= 1) return {};
  const auto value = number_of<unsigned>(part.substr(1));
  if (!value || *value > database_max)
    return wrong(part, "what follows the host in the URL is no number of a database",
                 "write redis://host:6379/0; percent-encode '@', ':' and '/' in the password");
  if (*value != 0 && made_.hosts.size() > 1)
    return wrong(part, "a cluster has only the database 0", "leave the number out");
  made_.database = *value;
  return {};
}

result<std::string> url_parser::decoded(std::string_view part) const {
  std::string text;
  for (std::size_t at = 0; at < part.size(); ++at) {
    if (part[at] != '%') {
      text += part[at];
      continue;
    }
    const std::string_view digits = part.substr(at + 1, 2);
    std::uint8_t value = 0;
    const char* const digits_end = digits.data() + digits.size();
    const auto [end, problem] = std::from_chars(digits.data(), digits_end, value, 16);
    if (digits.size() != 2 || problem != std::errc() || end != digits_end)
      return wrong(part.substr(at), "a '%' in the URL is not followed by two hexadecimal digits",
                   "write a '%' of the password as %25");
    text += static_cast<char>(value);
    at += 2;
  }
  return text;
}

}  // namespace

std::string address::text() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

result<server_url> parse_url(std::string_view url) {
  return url_parser(url).parse();
}

}  // namespace lodestar::redis_tier
