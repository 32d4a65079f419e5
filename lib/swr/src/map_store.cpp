#include <lodestar/swr/map_store.hpp>

#include <limits>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::swr {

map_store::map_store(map_store_options options, const clock& time, random_source& random)
    : options_(options), time_(time), random_(random) {
  LODESTAR_ASSERT(options.entries_max > 0, "a store holds at least one entry");
  LODESTAR_ASSERT(options.eviction_probability >= 0 && options.eviction_probability <= 1,
                  "a probability is between 0 and 1");
}

void map_store::get(std::string_view key, steady_time, got done) {
  // A copy of what owns the bytes: others may replace them while the handler looks.
  const std::optional<shared_bytes> found = find(key);
  done(found ? std::optional(found->view()) : std::nullopt);
}

void map_store::set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time,
                    ended done) {
  LODESTAR_ASSERT(keep_for > nanoseconds::zero(), "an entry is kept for more than nothing");
  const steady_time now = time_.now();
  const bool for_ever = keep_for >= steady_time::max() - now;
  {
    entries gone;  // destroyed without the lock
    const std::lock_guard held(mutex_);
    put(key, std::move(bytes), for_ever ? steady_time::max() : now + keep_for, gone);
    evict(gone);
  }
  done({});
}

void map_store::remove(std::span<const std::string_view> keys, steady_time, ended done) {
  {
    entries gone;
    const std::lock_guard held(mutex_);
    for (const std::string_view key : keys) {
      const auto place = places_.find(key);
      if (place != places_.end()) take_out(place->second, gone);
    }
  }
  done({});
}

void map_store::clear(steady_time, ended done) {
  {
    entries gone;
    const std::lock_guard held(mutex_);
    places_.clear();
    gone.swap(entries_);
  }
  done({});
}

void map_store::maintain() {
  entries gone;
  const steady_time now = time_.now();
  const std::lock_guard held(mutex_);
  for (auto each = entries_.begin(); each != entries_.end();) {
    const auto here = each++;
    if (here->expires <= now) take_out(here, gone);
  }
}

std::size_t map_store::size() const {
  const std::lock_guard held(mutex_);
  return entries_.size();
}

std::optional<shared_bytes> map_store::find(std::string_view key) {
  entries gone;
  const steady_time now = time_.now();
  const std::lock_guard held(mutex_);
  const auto place = places_.find(key);
  if (place == places_.end()) return std::nullopt;
  const auto here = place->second;
  if (here->expires <= now) {
    take_out(here, gone);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, here);
  return here->bytes;
}

void map_store::put(std::string_view key, shared_bytes&& bytes, steady_time expires,
                    entries& gone) {
  if (const auto place = places_.find(key); place != places_.end()) take_out(place->second, gone);
  entries_.push_front({std::string(key), std::move(bytes), expires});
  places_.emplace(entries_.front().key, entries_.begin());
}

void map_store::evict(entries& gone) {
  if (entries_.size() <= options_.entries_max) return;
  constexpr double range = 0x1p64;
  const double drawn = static_cast<double>(random_.next()) / range;
  if (drawn >= options_.eviction_probability) return;
  while (entries_.size() > options_.entries_max) take_out(std::prev(entries_.end()), gone);
}

void map_store::take_out(entries::iterator which, entries& gone) {
  places_.erase(which->key);
  gone.splice(gone.end(), entries_, which);
}

}  // namespace lodestar::swr
