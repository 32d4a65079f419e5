#include "slot_map.hpp"

#include <charconv>
#include <limits>

#include "key_slot.hpp"

namespace lodestar::redis_tier {
namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

[[nodiscard]] bool is_slot(const reply& part) noexcept {
  return part.what == reply::kind::integer && part.integer >= 0 &&
         part.integer < static_cast<std::int64_t>(slot_count);
}

// [host, port, id, …]; a host that is not known is nil, "" or "?".
[[nodiscard]] std::optional<address> node_of(const reply& part, const address& asked) {
  if (part.what != reply::kind::array || part.elements.size() < 2) return std::nullopt;
  const reply& host = part.elements[0];
  const reply& port = part.elements[1];
  const bool is_port = port.what == reply::kind::integer && port.integer > 0 &&
                       port.integer <= std::numeric_limits<std::uint16_t>::max();
  if (!is_port || (host.what != reply::kind::nil && !host.is_text())) return std::nullopt;
  const bool is_known = !host.text.empty() && host.text != "?";
  return address{is_known ? host.text : asked.host, static_cast<std::uint16_t>(port.integer)};
}

}  // namespace

std::expected<std::vector<slot_range>, std::string> slot_ranges_of(const reply& answer,
                                                                   const address& asked) {
  if (answer.what != reply::kind::array) return std::unexpected("it is no list");
  std::vector<slot_range> ranges;
  for (const reply& each : answer.elements) {
    const auto& parts = each.elements;
    if (parts.size() < 3 || !is_slot(parts[0]) || !is_slot(parts[1]) ||
        parts[0].integer > parts[1].integer)
      return std::unexpected("an element of it is no range of slots");
    auto primary = node_of(parts[2], asked);
    if (!primary) return std::unexpected("a range of slots lacks its node");
    ranges.push_back({static_cast<std::uint16_t>(parts[0].integer),
                      static_cast<std::uint16_t>(parts[1].integer), *std::move(primary)});
  }
  if (ranges.empty()) return std::unexpected("no slots are served");
  return ranges;
}

std::optional<redirection> redirection_of(std::string_view answer, const address& from) {
  const bool for_good = answer.starts_with("MOVED ");
  if (!for_good && !answer.starts_with("ASK ")) return std::nullopt;
  const std::string_view rest = answer.substr(for_good ? 6 : 4);
  const auto space = rest.find(' ');
  const auto colon = rest.rfind(':');
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space)
    return std::nullopt;
  const auto slot = number_of<std::uint16_t>(rest.substr(0, space));
  const auto port = number_of<std::uint16_t>(rest.substr(colon + 1));
  if (!slot || *slot >= slot_count || !port || *port == 0) return std::nullopt;
  std::string host(rest.substr(space + 1, colon - space - 1));
  if (host.empty() || host == "?") host = from.host;
  return redirection{for_good, *slot, {std::move(host), *port}};
}

}  // namespace lodestar::redis_tier
