// What options cannot be.
#pragma once

#include <string>
#include <utility>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

template <class Key, class Value>
std::optional<error> find_mistake(const options<Key, Value>& settings) {
  const auto mistake = [](std::string message, std::string place, std::string hint) {
    return error{error_code::invalid_argument, std::move(message), std::move(place),
                 std::move(hint)};
  };
  if ((settings.entries_max == unbounded) == (settings.weight_max == unbounded)) {
    return mistake("a cache has exactly one bound", "entries_max, weight_max",
                   "set entries_max, or weight_max together with a weigher");
  }
  if ((settings.weight_max == unbounded) != !settings.weigher) {
    return mistake("weight_max and weigher belong together", "weigher",
                   "set both, or entries_max instead");
  }
  if (settings.time_to_live < nanoseconds::zero()) {
    return mistake("a time to live is not negative", "time_to_live", "leave it out for ever");
  }
  if (settings.time_to_idle <= nanoseconds::zero()) {
    return mistake("a time to idle is more than nothing", "time_to_idle", "leave it out for ever");
  }
  if (settings.entries_max != unbounded && settings.entries_max > detail::entries_limit) {
    return mistake("a cache holds at most 16,777,214 entries", "entries_max",
                   "use several caches, or weight_max");
  }
  if (settings.weight_max != unbounded && settings.weight_max > detail::weight_limit) {
    return mistake("the heaviest bound is half of what a size_t holds", "weight_max",
                   "weigh in a larger unit");
  }
  if (settings.failure_time_to_live < nanoseconds::zero()) {
    return mistake("a time for which errors are kept is not negative", "failure_time_to_live",
                   "leave it out to keep none");
  }
  if (settings.failure_time_to_live > nanoseconds::zero() &&
      settings.failures_max > detail::entries_limit) {
    return mistake("a cache keeps at most 16,777,214 errors", "failures_max",
                   "leave it out for 1,000");
  }
  if (settings.refresh_after != never && settings.background == nullptr) {
    return mistake("refreshing needs somewhere to run", "refresh_after, background",
                   "give an executor as background, or leave refresh_after out");
  }
  if (settings.refresh_after <= nanoseconds::zero()) {
    return mistake("a time after which entries are refreshed is more than nothing", "refresh_after",
                   "leave it out for never");
  }
  if (settings.time == nullptr || settings.random == nullptr) {
    return mistake("a clock and a source of randomness are needed", "time, random",
                   "leave them out for those of the system");
  }
  return std::nullopt;
}

}  // namespace lodestar::cache
