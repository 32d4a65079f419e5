#include "hit_ratio/generated_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <lodestar/base/nearest.hpp>

#include "hit_ratio/generators.hpp"
#include "hit_ratio/text.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

constexpr std::string_view prefix = "gen:";
constexpr double theta_max = 10;
constexpr std::uint64_t items_max = 100'000'000;

struct numbers {
  double theta = 0;
  std::vector<std::size_t> counts;  // the other arguments, in their order
  std::uint64_t seed = 1;
};

struct generator {
  std::string_view name;
  std::string_view arguments;  // THETA is a real number, all others are counts
  key_sequence (*make)(const numbers& given);
};

constexpr std::array<generator, 7> generators{{
    {"zipf", "THETA:ITEMS:ACCESSES",
     [](const numbers& n) { return zipf(n.theta, n.counts[0], n.counts[1], n.seed); }},
    {"zipf_scans", "THETA:ITEMS:PAUSE:SCAN:ACCESSES",
     [](const numbers& n) {
       return zipf_with_scans(n.theta, n.counts[0], n.counts[1], n.counts[2], n.counts[3], n.seed);
     }},
    {"loop", "ITEMS:ACCESSES", [](const numbers& n) { return loop(n.counts[0], n.counts[1]); }},
    {"phases", "THETA:ITEMS:PHASE:ACCESSES",
     [](const numbers& n) {
       return zipf_with_phases(n.theta, n.counts[0], n.counts[1], n.counts[2], n.seed);
     }},
    {"mixture", "THETA:ITEMS:LOOP:ACCESSES",
     [](const numbers& n) {
       return mixture(n.theta, n.counts[0], n.counts[1], n.counts[2], n.seed);
     }},
    {"recency", "DISTANCE:ACCESSES",
     [](const numbers& n) { return recency(n.counts[0], n.counts[1], n.seed); }},
    {"recency_loop", "DISTANCE:LOOP:ACCESSES",
     [](const numbers& n) {
       return recency_around_loop(n.counts[0], n.counts[1], n.counts[2], n.seed);
     }},
}};

std::string usage_of(const generator& which) {
  return fmt::format("{}{}:{}[:SEED]", prefix, which.name, which.arguments);
}

result<const generator*> find_generator(std::string_view name, std::string_view place) {
  if (const auto* found = std::ranges::find(generators, name, &generator::name);
      found != generators.end())
    return found;
  std::vector<std::string_view> names;
  for (const generator& each : generators) names.push_back(each.name);
  const std::string_view meant = nearest(name, names);
  return fail(error_code::invalid_argument, fmt::format("there is no generator \"{}\"", name),
              std::string(place),
              meant.empty() ? generator_help() : fmt::format("did you mean {}?", meant));
}

/// Reads one argument into `given`; what is wrong with it, or nothing.
std::string read_argument(std::string_view name, std::string_view text, numbers& given) {
  if (name == "THETA") {
    const auto theta = parse_number<double>(text);
    if (!theta || !(*theta >= 0 && *theta <= theta_max))
      return fmt::format("THETA is \"{}\", not a number from 0 to {}", text, theta_max);
    given.theta = *theta;
    return {};
  }
  const std::uint64_t most = name == "ACCESSES" ? accesses_max : items_max;
  const auto count = parse_number<std::uint64_t>(text);
  if (!count || *count < 1 || *count > most)
    return fmt::format("{} is \"{}\", not a whole number from 1 to {}", name, text, most);
  given.counts.push_back(*count);
  return {};
}

result<numbers> read_arguments(const generator& which, std::span<const std::string_view> texts,
                               std::string_view place) {
  const auto wrong = [&](std::string message) {
    return fail(error_code::invalid_argument, std::move(message), std::string(place),
                fmt::format("write {}", usage_of(which)));
  };
  const auto names = split(which.arguments, ':');
  if (texts.size() != names.size() && texts.size() != names.size() + 1)
    return wrong(fmt::format("{} arguments are given, {} are needed", texts.size(), names.size()));
  numbers given;
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (auto what = read_argument(names[index], texts[index], given); !what.empty())
      return wrong(std::move(what));
  }
  if (texts.size() == names.size()) return given;
  const auto seed = parse_number<std::uint64_t>(texts.back());
  if (!seed) return wrong(fmt::format("SEED is \"{}\", not a whole number", texts.back()));
  given.seed = *seed;
  return given;
}

struct recipe {
  const generator* which;
  numbers given;
};

result<recipe> read_name(std::string_view name) {
  const auto parts = split(name.substr(prefix.size()), ':');
  const auto which = find_generator(parts.front(), name);
  if (!which) return std::unexpected(which.error());
  const auto given = read_arguments(**which, std::span(parts).subspan(1), name);
  if (!given) return std::unexpected(given.error());
  return recipe{*which, *given};
}

}  // namespace

bool is_generated(std::string_view name) {
  return name.starts_with(prefix);
}

result<void> check_generated(std::string_view name) {
  const auto found = read_name(name);
  if (!found) return std::unexpected(found.error());
  return {};
}

result<trace> make_generated(std::string_view name) {
  const auto found = read_name(name);
  if (!found) return std::unexpected(found.error());
  return make_trace(std::string(name), found->which->make(found->given));
}

std::string generator_help() {
  std::string help;
  for (const generator& each : generators) help += fmt::format("  {}\n", usage_of(each));
  return help;
}

}  // namespace lodestar::bench::hit_ratio
