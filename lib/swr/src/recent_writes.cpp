#include "recent_writes.hpp"

#include <algorithm>

namespace lodestar::swr::detail {
namespace {

constexpr milliseconds inexact{1'000};

}  // namespace

std::optional<write_stamp> recent_writes::note(std::string_view key, const write_stamp& stamp,
                                               steady_time now) {
  const hash128 identity = identity_of(key);
  const std::lock_guard held(mutex_);
  forget(now);
  const auto [place, is_new] = newest_.try_emplace(identity);
  seen& here = place->second;
  if (is_new) here.key = key;
  const auto before = is_new ? std::nullopt : std::optional(here.stamp);
  here.stamp = std::max(here.stamp, stamp);
  // A key that is written all the time takes one place, and not those of the others.
  if (is_new || here.until < now + remembered - inexact) {
    here.until = now + remembered;
    order_.emplace_back(here.until, identity);
  }
  return before;
}

bool recent_writes::is_newest_known(const hash128& key, const write_stamp& stamp,
                                    steady_time now) const {
  const std::lock_guard held(mutex_);
  const auto place = newest_.find(key);
  return place == newest_.end() || place->second.until <= now || stamp >= place->second.stamp;
}

auto recent_writes::newest_of(std::uint64_t node, std::size_t count, steady_time now) const
    -> std::vector<write> {
  std::vector<write> found;
  const std::lock_guard held(mutex_);
  for (auto each = order_.rbegin(); each != order_.rend() && found.size() < count; ++each) {
    const auto place = newest_.find(each->second);
    if (place == newest_.end() || place->second.until != each->first || each->first <= now)
      continue;
    if (place->second.stamp.node == node) found.push_back({place->second.key, place->second.stamp});
  }
  return found;
}

// A key that was written again has a later place in the order, too: the earlier one is skipped.
void recent_writes::forget(steady_time now) {
  while (!order_.empty() && (order_.front().first <= now || order_.size() >= writes_max)) {
    const auto [until, key] = order_.front();
    order_.pop_front();
    const auto place = newest_.find(key);
    if (place != newest_.end() && place->second.until == until) newest_.erase(place);
  }
}

}  // namespace lodestar::swr::detail
