#include <verify/linearizability/map_register.hpp>

#include <fmt/format.h>

#include <array>
#include <functional>
#include <string_view>

namespace lodestar::linearizability {
namespace {

using state = map_state;
using value = std::optional<std::int64_t>;

constexpr std::array<std::string_view, 11> names{
    "get",    "contains",  "insert",  "insert_if_absent", "replace",   "replace_if",
    "remove", "remove_if", "compute", "get_or_load",      "invalidate"};

std::string write(const value& told) {
  return told.has_value() ? fmt::format("{}", *told) : "absent";
}

/// An operation that answers so only if `possible`.
std::optional<state> when(bool possible, const value& next) {
  return possible ? std::optional<state>(state{next}) : std::nullopt;
}

/// One that was done, or was not, by a condition: it becomes `next` when it was.
std::optional<state> conditional(const value& now, bool condition, bool done, const value& next) {
  return when(condition == done, done ? next : now);
}

/// Nothing told fits everything.
bool fits(const value& told, const value& now) {
  return !told.has_value() || told == now;
}

std::string describe_arguments(const map_input& in) {
  switch (in.what) {
    case map_operation::insert:
    case map_operation::insert_if_absent:
    case map_operation::replace: return fmt::format("{}, {}", in.key, in.value);
    case map_operation::replace_if:
      return fmt::format("{}, {} -> {}", in.key, in.expected, in.value);
    case map_operation::remove_if: return fmt::format("{}, {}", in.key, in.expected);
    default: return fmt::format("{}", in.key);
  }
}

std::string describe_result(const map_input& in, const map_output& out) {
  switch (in.what) {
    case map_operation::get: return write(out.value);
    case map_operation::insert: return "done";
    case map_operation::compute:
      return fmt::format("{}, made of {}", write(out.value), write(out.seen));
    case map_operation::get_or_load:
      return fmt::format("{}, {}", write(out.value), out.done ? "loaded" : "found");
    default: return out.done ? "done" : "refused";
  }
}

}  // namespace

std::optional<state> map_register::step(const state& before, const input& in, const output& out) {
  const auto& now = before.value;
  switch (in.what) {
    case map_operation::get: return when(out.value == now, now);
    case map_operation::contains: return when(out.done == now.has_value(), now);
    case map_operation::insert: return when(true, in.value);
    case map_operation::insert_if_absent:
      if (!out.done && !fits(out.value, now)) return std::nullopt;
      return conditional(now, !now.has_value(), out.done, in.value);
    case map_operation::replace: return conditional(now, now.has_value(), out.done, in.value);
    case map_operation::replace_if: return conditional(now, now == in.expected, out.done, in.value);
    case map_operation::remove:
      if (out.done && !fits(out.value, now)) return std::nullopt;
      return conditional(now, now.has_value(), out.done, std::nullopt);
    case map_operation::remove_if:
      return conditional(now, now == in.expected, out.done, std::nullopt);
    case map_operation::compute: return when(out.seen == now, out.value);
    case map_operation::get_or_load:
      return out.done ? when(!now.has_value(), out.value)
                      : when(now.has_value() && out.value == now, now);
    case map_operation::invalidate: return when(true, std::nullopt);
  }
  return std::nullopt;
}

std::size_t map_register::hash(const state& now) noexcept {
  return now.value.has_value() ? std::hash<std::int64_t>{}(*now.value) + 1 : 0;
}

std::string map_register::describe(const input& in, const output& out) {
  return fmt::format("{}({}) = {}", names[static_cast<std::size_t>(in.what)],
                     describe_arguments(in), describe_result(in, out));
}

std::string map_register::describe(const state& now) {
  return now.value.has_value() ? fmt::format("the value is {}", *now.value) : "it is absent";
}

std::vector<state> evictable_map_register::step(const state& now, const input& in,
                                                const output& out) {
  std::vector<state> next;
  if (const auto kept = map_register::step(now, in, out)) next.push_back(*kept);
  if (!now.value.has_value()) return next;
  if (const auto evicted = map_register::step({}, in, out)) next.push_back(*evicted);
  return next;
}

}  // namespace lodestar::linearizability
