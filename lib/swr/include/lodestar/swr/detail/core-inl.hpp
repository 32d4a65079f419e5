// What is made and taken apart, and what the other bodies of core.hpp share.
#pragma once

namespace lodestar::swr::detail {

// Holds the mutex. Entries that leave the cache meanwhile are destroyed after it is released,
// because their destructors are the caller's code.
template <class Key, class Value, class Hash, class Equal, class Checks>
class core<Key, Value, Hash, Equal, Checks>::section {
 public:
  explicit section(core& owner) : after_{owner}, lock_(owner.mutex_) {}
  ~section() { after_.needed = std::exchange(after_.owner.wrote_, false); }
  section(const section&) = delete;
  section& operator=(const section&) = delete;

 private:
  struct maintenance {
    core& owner;
    bool needed = false;
    ~maintenance() {
      if (needed) owner.entries_.maintain();
    }
  };
  maintenance after_;
  std::unique_lock<std::mutex> lock_;  // declared last: released before what is after it
};

// What a loader gets as `done`: completes the flight once, at the latest when it is destroyed.
template <class Key, class Value, class Hash, class Equal, class Checks>
class core<Key, Value, Hash, Equal, Checks>::completion {
 public:
  completion(std::shared_ptr<core> owner, flight_pointer current)
      : owner_(std::move(owner)), flight_(std::move(current)) {}
  completion(completion&& other) noexcept = default;
  completion& operator=(completion&& other) = delete;
  ~completion() {
    if (!flight_) return;
    owner_->finish(flight_, fail(error_code::cancelled, "the loader gave up without an answer"),
                   true);
  }
  void operator()(outcome what) {
    LODESTAR_ASSERT(flight_ != nullptr, "a loader calls done exactly once");
    const flight_pointer current = std::move(flight_);
    owner_->finish(current, std::move(what), false);
  }

 private:
  std::shared_ptr<core> owner_;
  flight_pointer flight_;
};

template <class Key, class Value, class Hash, class Equal, class Checks>
core<Key, Value, Hash, Equal, Checks>::core(const options<Key, Value>& settings)
    : settings_(settings),
      values_(settings_.values.value_or(value_codec<Value>::standard())),
      keys_(settings_.keys.value_or(key_codec<Key>::standard())),
      time_(*settings_.time),
      own_stamps_(settings_.below ? nullptr : std::make_unique<write_clock>(time_, 1)),
      stamps_(settings_.below ? settings_.below->stamps() : *own_stamps_),
      entries_({.weight_max = settings_.weight_max,
                .weigher = [](const Key&, const stored_pointer& each) { return each->weight(); },
                .expires = {
                    .after_create =
                        [this](const Key&, const stored_pointer& each) {
                          return each->useful_for(time_.now());
                        },
                    .after_update = [this](const Key&, const stored_pointer& each,
                                           nanoseconds) { return each->useful_for(time_.now()); }},
                .destroys_in_maintain = true,
                .time = settings_.time}) {}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::begin() {
  if (!settings_.below) return;
  const bool attached = settings_.below->attach(settings_.name, this->weak_from_this());
  LODESTAR_ASSERT(attached, "each cache over the same tiers has a name of its own");
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::end() {
  if (!settings_.below) return;
  {
    // What they bring is for those who wait for it: whoever has the name next may have removed it.
    const section held(*this);
    supersede_if([](const flight&) { return true; });
  }
  settings_.below->detach(settings_.name);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::send() {
  if (settings_.below) settings_.below->send();
}

template <class Key, class Value, class Hash, class Equal, class Checks>
statistics core<Key, Value, Hash, Equal, Checks>::stats() const {
  const auto inside = entries_.stats();
  return {.hits = hits_.value(),
          .stale_hits = stale_hits_.value(),
          .misses = misses_.value(),
          .tier_hits = tier_hits_.value(),
          .loads = loads_.value(),
          .load_errors = load_errors_.value(),
          .coalesced = coalesced_.value(),
          .fail_safe = fail_safe_.value(),
          .timeouts = timeouts_.value(),
          .eager_refreshes = eager_refreshes_.value(),
          .superseded = superseded_.value(),
          .evictions = inside.evictions,
          .refusals = inside.refusals,
          .entries = inside.entries,
          .weight = inside.weight};
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::validate() const {
  const std::lock_guard lock(mutex_);
  entries_.validate();
  for (const auto& [key, current] : flights_) {
    LODESTAR_ASSERT(Equal{}(current->key, key), "a flight is listed under its key");
    LODESTAR_ASSERT(!current->superseded, "a superseded flight is not listed");
    LODESTAR_ASSERT(!current->waiters.empty(), "a flight has a leader");
    LODESTAR_ASSERT(current->waiters.front().leads, "the front leads");
  }
  for (const auto& [due, current] : due_)
    LODESTAR_ASSERT(current->listed_due == due, "a flight is listed under its time");
}

}  // namespace lodestar::swr::detail
