#include "pending_writes.hpp"

#include <algorithm>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::swr::detail {

std::optional<pending_writes::given_up> pending_writes::add(tier_write write,
                                                            write_report_pointer report) {
  const write_stamp stamp = write.stamp;
  const auto [place, is_new] = slots_.try_emplace(write.key);
  slot& here = place->second;
  attach(here, stamp, std::move(report));
  if (is_new) {
    bytes_ += size_of(write);
    here.newest = std::move(write);
    ready_.push_back(place->first);
    return keep_bounds();
  }
  if (stamp < here.newest.stamp) return std::nullopt;  // it is as if it had been overwritten
  replace(here, std::move(write));
  if (here.is == state::failed) {
    set_state(here, state::waiting);
    ready_.push_back(place->first);
  }
  return keep_bounds();
}

std::optional<tier_write> pending_writes::take() {
  while (!ready_.empty()) {
    const auto place = slots_.find(ready_.front());
    ready_.pop_front();
    if (place == slots_.end() || place->second.is != state::waiting) continue;
    slot& here = place->second;
    set_state(here, state::sent);
    here.sent = here.newest.stamp;
    return here.newest;
  }
  return std::nullopt;
}

auto pending_writes::ended(std::string_view key, const write_stamp& stamp, bool success) -> end {
  const auto place = slots_.find(key);
  LODESTAR_ASSERT(place != slots_.end() && place->second.is == state::sent,
                  "what is on its way has a place");
  slot& here = place->second;
  end what{.waiting = detach(here, stamp), .ready = false};
  const bool was_newest = here.newest.stamp == stamp;
  if (success && was_newest) {
    erase(place);
  } else if (was_newest) {
    set_state(here, state::failed);
  } else {
    set_state(here, state::waiting);
    ready_.push_back(place->first);
    what.ready = true;
  }
  return what;
}

bool pending_writes::turn_into_removal(std::string_view key, const write_stamp& stamp) {
  const auto place = slots_.find(key);
  if (place == slots_.end() || place->second.newest.stamp != stamp) return false;
  slot& here = place->second;
  if (here.is != state::failed || !here.newest.bytes) return false;
  bytes_ -= here.newest.bytes->size();
  here.newest.bytes.reset();
  set_state(here, state::waiting);
  ready_.push_back(place->first);
  return true;
}

std::size_t pending_writes::retry(std::size_t count, bool verify) {
  std::size_t retried = 0;
  for (auto each = slots_.begin(); retried < count && failed_ > 0 && each != slots_.end(); ++each) {
    slot& here = each->second;
    if (here.is != state::failed) continue;
    set_state(here, state::waiting);
    here.newest.verify = here.newest.verify || verify;
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
  reports told = detach(here, here.newest.stamp);
  erase(place);
  return told;
}

const tier_write* pending_writes::find(std::string_view key) const {
  const auto place = slots_.find(key);
  return place == slots_.end() ? nullptr : &place->second.newest;
}

void pending_writes::attach(slot& to, const write_stamp& stamp, write_report_pointer report) {
  if (report) to.reports.emplace_back(stamp, std::move(report));
}

auto pending_writes::detach(slot& from, const write_stamp& up_to) -> reports {
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

void pending_writes::set_state(slot& of, state to) {
  if (of.is == state::failed) --failed_;
  if (to == state::failed) ++failed_;
  of.is = to;
}

void pending_writes::replace(slot& in, tier_write write) {
  bytes_ -= size_of(in.newest);
  bytes_ += size_of(write);
  in.newest = std::move(write);
}

void pending_writes::erase(slots::iterator which) {
  set_state(which->second, state::waiting);
  bytes_ -= size_of(which->second.newest);
  slots_.erase(which);
}

std::optional<pending_writes::given_up> pending_writes::keep_bounds() {
  if (slots_.size() <= limits_.writes_max && bytes_ <= limits_.bytes_max) return std::nullopt;
  given_up lost{};
  for (auto each = slots_.begin(); each != slots_.end();) {
    const auto here = each++;
    slot& which = here->second;
    lost.newest = std::max(lost.newest, which.newest.stamp);
    reports told = detach(which, which.newest.stamp);
    lost.waiting.insert(lost.waiting.end(), told.begin(), told.end());
    if (which.is != state::sent) {
      erase(here);
      continue;
    }
    // What follows the write that is on its way is given up, too.
    bytes_ -= size_of(which.newest);
    which.newest.bytes.reset();
    which.newest.stamp = which.sent;
    bytes_ += size_of(which.newest);
  }
  ready_.clear();
  return lost;
}

}  // namespace lodestar::swr::detail
