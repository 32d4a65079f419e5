#include "pending_writes.hpp"

#include <algorithm>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::swr::detail {

auto pending_writes::add(tier_write write, write_report_pointer report, steady_time not_before)
    -> std::optional<given_up> {
  const bool delays = not_before != steady_time::min();
  write.number = ++numbers_;
  const auto [place, is_new] = slots_.try_emplace(write.key);
  slot& here = place->second;
  if (report) here.reports.emplace_back(write.number, std::move(report));
  if (is_new) {
    here.newest = std::move(write);
    here.is = delays ? state::delayed : state::waiting;
    count(here);
    if (delays) {
      delayed_.emplace_back(not_before, place->first);
    } else {
      ready_.push_back(place->first);
    }
    return keep_bounds();
  }
  // What is older is as if it had been overwritten. Of the same moment are an entry and the removal
  // of what is older than it.
  const bool older = write.stamp < here.newest.stamp;
  if (older || (write.stamp == here.newest.stamp && !write.bytes)) return std::nullopt;
  const bool rested = here.is == state::failed || (here.is == state::delayed && !delays);
  alter(here, [&] {
    here.newest = std::move(write);
    if (rested) here.is = state::waiting;
  });
  if (rested) ready_.push_back(place->first);
  return keep_bounds();
}

std::optional<steady_time> pending_writes::release(steady_time now) {
  while (!delayed_.empty() && delayed_.front().first <= now) {
    const auto place = slots_.find(delayed_.front().second);
    if (place != slots_.end() && place->second.is == state::delayed) {
      alter(place->second, [&] { place->second.is = state::waiting; });
      ready_.push_back(place->first);
    }
    delayed_.pop_front();
  }
  return delayed_.empty() ? std::nullopt : std::optional(delayed_.front().first);
}

std::optional<tier_write> pending_writes::take() {
  while (!ready_.empty()) {
    const auto place = slots_.find(ready_.front());
    ready_.pop_front();
    if (place == slots_.end() || place->second.is != state::waiting) continue;
    slot& here = place->second;
    alter(here, [&] {
      here.is = state::sent;
      here.sent = here.newest.number;
    });
    return here.newest;
  }
  return std::nullopt;
}

auto pending_writes::ended(const tier_write& write, bool success) -> end {
  const auto place = slots_.find(write.key);
  LODESTAR_ASSERT(place != slots_.end() && place->second.is == state::sent,
                  "what is on its way has a place");
  slot& here = place->second;
  const bool was_newest = here.newest.number == write.number;
  end what{.waiting = detach(here, was_newest ? numbers_ : write.number), .ready = !was_newest};
  if (success && was_newest) {
    erase(place);
    return what;
  }
  alter(here, [&] { here.is = was_newest ? state::failed : state::waiting; });
  if (!was_newest) ready_.push_back(place->first);
  return what;
}

bool pending_writes::turn_into_removal(const tier_write& write) {
  const auto place = slots_.find(write.key);
  if (place == slots_.end() || place->second.newest.number != write.number) return false;
  slot& here = place->second;
  if (here.is != state::failed || !here.newest.bytes) return false;
  alter(here, [&] {
    here.newest.bytes.reset();
    here.is = state::waiting;
  });
  ready_.push_back(place->first);
  return true;
}

std::size_t pending_writes::retry(std::size_t count, bool verify) {
  std::size_t retried = 0;
  for (auto each = slots_.begin(); retried < count && failed_ > 0 && each != slots_.end(); ++each) {
    slot& here = each->second;
    if (here.is != state::failed) continue;
    alter(here, [&] { here.is = state::waiting; });
    here.newest.verify = here.newest.verify || verify;
    here.newest.again = true;
    ready_.push_back(each->first);
    ++retried;
  }
  return retried;
}

auto pending_writes::drop_older(std::string_view key, const write_stamp& stamp) -> reports {
  const auto place = slots_.find(key);
  if (place == slots_.end() || place->second.newest.stamp >= stamp) return {};
  slot& here = place->second;
  if (here.is == state::sent) return {};
  reports told = detach(here, numbers_);
  erase(place);
  return told;
}

const tier_write* pending_writes::find(std::string_view key) const {
  const auto place = slots_.find(key);
  return place == slots_.end() ? nullptr : &place->second.newest;
}

auto pending_writes::detach(slot& from, std::uint64_t up_to) -> reports {
  reports told;
  std::erase_if(from.reports, [&](auto& each) {
    if (each.first > up_to) return false;
    told.push_back(std::move(each.second));
    return true;
  });
  return told;
}

std::size_t pending_writes::size_of(const tier_write& write) noexcept {
  return write.key.size() + (write.bytes ? write.bytes->size() : 0);
}

void pending_writes::count(const slot& which) {
  if (which.is == state::failed) ++failed_;
  if (!rests(which)) return;
  ++resting_;
  bytes_ += size_of(which.newest);
}

void pending_writes::uncount(const slot& which) {
  if (which.is == state::failed) --failed_;
  if (!rests(which)) return;
  --resting_;
  bytes_ -= size_of(which.newest);
}

void pending_writes::erase(slots::iterator which) {
  uncount(which->second);
  slots_.erase(which);
}

std::optional<pending_writes::given_up> pending_writes::keep_bounds() {
  if (resting_ <= limits_.writes_max && bytes_ <= limits_.bytes_max) return std::nullopt;
  given_up lost{};
  for (auto each = slots_.begin(); each != slots_.end();) {
    const auto here = each++;
    slot& which = here->second;
    if (!rests(which)) continue;
    lost.newest = std::max(lost.newest, which.newest.stamp);
    reports told = detach(which, numbers_);
    lost.waiting.insert(lost.waiting.end(), told.begin(), told.end());
    if (which.is != state::sent) {
      erase(here);
      continue;
    }
    // What is on its way is older than what was to follow: neither will be believed.
    alter(which, [&] {
      which.newest.bytes.reset();
      which.newest.number = which.sent;
    });
  }
  ready_.clear();
  delayed_.clear();
  return lost;
}

}  // namespace lodestar::swr::detail
