#include <lodestar/web/negotiation.hpp>

#include <algorithm>
#include <charconv>
#include <tuple>

#include <lodestar/base/ascii.hpp>

namespace lodestar::web {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// The trimmed text before the separator; `rest` is what follows it.
std::string_view take_part(std::string_view& rest, char separator) noexcept {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const auto part = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

/// From 0 to 1; what is no number counts as 0: it cannot be what somebody wants most.
double parse_weight(std::string_view text) noexcept {
  double weight = 0;
  const auto [end, status] =
      std::from_chars(text.data(), text.data() + text.size(), weight, std::chars_format::fixed);
  const bool whole = status == std::errc() && end == text.data() + text.size();
  return whole && weight > 0 ? std::min(weight, 1.0) : 0;
}

/// "text/csv;q=0.5" as a member of a list.
struct weighted {
  std::string_view value;
  double weight = 1;
};

weighted parse_weighted(std::string_view member) noexcept {
  weighted made{take_part(member, ';')};
  while (!member.empty()) {
    const auto parameter = take_part(member, ';');
    if (parameter.size() >= 2 && ascii_lower(parameter[0]) == 'q' && parameter[1] == '=')
      made.weight = parse_weight(trimmed(parameter.substr(2)));
  }
  return made;
}

/// How closely a media range names the type: 3 by itself, 2 as "text/*", 1 as "*/*", 0 not at all.
int closeness(std::string_view range, std::string_view type) noexcept {
  if (equal_ignoring_case(range, type)) return 3;
  if (range == "*/*") return 1;
  const auto family = type.substr(0, type.find('/') + 1);
  return range.ends_with("/*") && equal_ignoring_case(range.substr(0, range.size() - 1), family)
             ? 2
             : 0;
}

/// What Accept says of one type.
struct preference {
  double weight = 0;
  int close = 0;
  int order = 0;  ///< Negative and falling: the first member is the greatest.

  [[nodiscard]] bool operator<(const preference& other) const noexcept {
    return std::tie(weight, close, order) < std::tie(other.weight, other.close, other.order);
  }
};

/// The range that names a type most closely decides about it, whatever the others weigh.
preference preference_for(std::string_view accept, std::string_view type) noexcept {
  preference decided;
  for (int order = -1; !accept.empty(); --order) {
    const auto range = parse_weighted(take_part(accept, ','));
    const int close = closeness(range.value, type);
    if (close > decided.close) decided = {range.weight, close, order};
  }
  return decided;
}

}  // namespace

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    auto member = take_part(if_none_match, ',');
    if (member.starts_with("W/")) member.remove_prefix(2);
    if (member == etag || member == "*") return true;
  }
  return false;
}

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
  std::optional<double> by_name, by_star;
  while (!accept_encoding.empty()) {
    const auto member = parse_weighted(take_part(accept_encoding, ','));
    if (equal_ignoring_case(member.value, coding)) by_name = member.weight;
    if (member.value == "*") by_star = member.weight;
  }
  return by_name.value_or(by_star.value_or(0)) > 0;
}

std::optional<std::size_t> preferred_media_type(std::string_view accept,
                                                std::span<const std::string_view> offered) {
  std::optional<std::size_t> best;
  preference best_preference;
  for (std::size_t index = 0; index < offered.size(); ++index) {
    const auto found = preference_for(accept, offered[index]);
    if (found.weight <= 0 || (best && !(best_preference < found))) continue;
    best = index;
    best_preference = found;
  }
  return best;
}

}  // namespace lodestar::web
