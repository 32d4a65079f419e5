// Bodies of core.hpp.
#pragma once

namespace lodestar::swr::detail {

// Holds the mutex. Entries that leave the cache meanwhile are destroyed after it is released,
// because their destructors are the caller's code.
template <class Key, class Value, class Hash, class Equal, class Checks>
class core<Key, Value, Hash, Equal, Checks>::section {
 public:
  explicit section(core& owner) : owner_(owner), lock_(owner.mutex_) {}
  ~section() {
    retired_.swap(owner_.retired_);
    after_.needed = !retired_.empty();
  }
  section(const section&) = delete;
  section& operator=(const section&) = delete;

 private:
  // The cache destroys what left it when the lock is released.
  struct maintenance {
    core& owner;
    bool needed = false;
    ~maintenance() {
      if (needed) owner.entries_.maintain();
    }
  };
  core& owner_;
  maintenance after_{owner_};
  std::vector<stored_pointer> retired_;
  std::unique_lock<std::mutex> lock_;  // declared last: released before retired_ is destroyed
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
core<Key, Value, Hash, Equal, Checks>::core(std::size_t weight_max, const clock& time)
    : time_(time),
      entries_(
          {.weight_max = weight_max,
           .weigher = [](const Key&, const stored_pointer& each) { return each->weight(); },
           .listener =
               [this](const Key&, const stored_pointer& each, ::lodestar::cache::removal_cause) {
                 // Only set(), remove(), clear() and keep() write, all of them under mutex_.
                 retired_.push_back(each);
               },
           .destroys_in_maintain = true}) {}

template <class Key, class Value, class Hash, class Equal, class Checks>
std::optional<answer<Value>> core<Key, Value, Hash, Equal, Checks>::get(const Key& key,
                                                                        const lifetimes& allowed,
                                                                        const demand& wanted) {
  auto served = get_before_load(key, allowed, wanted);
  if (!served) misses_.add();
  return served;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
std::optional<answer<Value>> core<Key, Value, Hash, Equal, Checks>::get_before_load(
    const Key& key, const lifetimes& allowed, const demand& wanted) {
  const stored_pointer found = find(key);
  std::optional<answer<Value>> served;
  if (found) served = found->serve(allowed, wanted, time_.now());
  if (served) count_hit(*served);
  return served;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::get_or_load(const Key& key, const lifetimes& allowed,
                                                        const demand& wanted, loader load,
                                                        handler reply) {
  LODESTAR_ASSERT(load != nullptr, "get_or_load needs a loader");
  LODESTAR_ASSERT(reply != nullptr, "get_or_load needs a handler");
  if (wanted.position_min > wanted.position_max) {
    return call_handler(std::move(reply),
                        fail(error_code::invalid_argument, "position_min is above position_max"));
  }
  waiter asking{
      .allowed = allowed, .wanted = wanted, .load = std::move(load), .reply = std::move(reply)};
  for (;;) {
    const stored_pointer found = find(key);
    if (serve(key, found, asking)) return;
    flight_pointer begun;
    const entering how = enter(key, found, asking, begun);
    if (how == entering::changed) continue;
    misses_.add();
    if (how == entering::began) return run(std::move(begun));
    if (how == entering::joined) return coalesced_.add();
    return call_handler(
        std::move(asking.reply),
        fail(error_code::invalid_argument, "a loader asked for the key that it is loading"));
  }
}

template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::serve(const Key& key, const stored_pointer& found,
                                                  waiter& asking) {
  if (!found) return false;
  std::optional<answer<Value>> served = found->serve(asking.allowed, asking.wanted, time_.now());
  if (!served) return false;
  count_hit(*served);
  const bool stale = served->state == freshness::stale;
  call_handler(std::exchange(asking.reply, nullptr), *std::move(served));
  if (stale) revalidate(key, found, std::move(asking));
  return true;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::revalidate(const Key& key, const stored_pointer& found,
                                                       waiter asking) {
  std::vector<waiter> leader;
  leader.push_back(std::move(asking));
  flight_pointer begun;
  {
    const section held(*this);
    // Only while the entry is the one that was found stale: else somebody has refreshed it
    // meanwhile.
    if (flights_.contains(key) || entries_.peek(key) != found) return;
    if (!found->may_revalidate(time_.now())) return;
    begun = begin(key, std::move(leader));
  }
  run(std::move(begun));
}

// Decides under the mutex whether the caller joins, leads, or should look again because an entry
// came in between: the flight that stored it left the table in the same step, so nobody loads twice
// for one miss.
template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::enter(const Key& key, const stored_pointer& found,
                                                  waiter& asking, flight_pointer& begun)
    -> entering {
  const section held(*this);
  const auto under_way = flights_.find(key);
  if (under_way != flights_.end()) {
    flight& current = *under_way->second;
    if (current.loading_on == std::this_thread::get_id()) return entering::reentered;
    asking.next_flight = asking.wanted.bypass;
    current.waiters.push_back(std::move(asking));
    return entering::joined;
  }
  const auto present = entries_.peek(key);
  if (!asking.wanted.bypass && present && *present != found) return entering::changed;
  std::vector<waiter> leader;
  leader.push_back(std::move(asking));
  begun = begin(key, std::move(leader));
  return entering::began;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::begin(const Key& key, std::vector<waiter> waiters)
    -> flight_pointer {
  auto begun = std::make_shared<flight>(key, time_.now());
  begun->waiters = std::move(waiters);
  begun->waiters.front().leads = true;
  const bool added = flights_.emplace(key, begun).second;
  LODESTAR_ASSERT(added, "one flight per key");
  return begun;
}

// A loop and not a recursion: with loaders that complete inside their call, each follow-up would
// nest in the one before.
template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::run(flight_pointer next) {
  while (next) {
    std::optional<outcome> early = call_loader(next);
    next = early ? deliver(next, *std::move(early)) : nullptr;
  }
}

// What the loader brought inside its call, if it did.
template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::call_loader(const flight_pointer& current)
    -> std::optional<outcome> {
  loader load;
  {
    const section held(*this);
    current->loading_on = std::this_thread::get_id();
    load = std::move(current->waiters.front().load);
  }
  loads_.add();
  const std::optional<error> thrown =
      call_catching(std::move(load), done(completion(this->shared_from_this(), current)));

  std::optional<outcome> early;
  const section held(*this);
  current->loading_on = std::thread::id();
  early.swap(current->early);
  // Unwinding destroys `done`: the exception is the reason to report. What was completed before it
  // stands.
  const bool unanswered = early ? current->abandoned : !current->finished;
  if (thrown && unanswered) {
    current->finished = true;
    early.emplace(std::unexpected(*thrown));
  }
  return early;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
std::optional<error> core<Key, Value, Hash, Equal, Checks>::call_catching(loader load,
                                                                          done completed) {
  try {
    load(std::move(completed));
    return std::nullopt;
  } catch (const std::exception& problem) {
    return fail(error_code::internal, std::string("the loader threw: ") + problem.what()).error();
  } catch (...) {
    return fail(error_code::internal, "the loader threw something that is not a std::exception")
        .error();
  }
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::finish(const flight_pointer& current, outcome what,
                                                   bool abandoned) {
  {
    const section held(*this);
    if (current->finished) return;  // the loader threw first, and the exception was the answer
    current->finished = true;
    current->abandoned = abandoned;
    if (current->loading_on == std::this_thread::get_id()) {
      current->early.emplace(std::move(what));
      return;
    }
  }
  run(deliver(current, std::move(what)));
}

// Stores the result, answers those whom it satisfies, and returns the flight that the others begin,
// if they do.
template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::deliver(const flight_pointer& current, outcome what)
    -> flight_pointer {
  stored_pointer made;
  if (what) made = std::make_shared<stored>(*std::move(what), current->begun_at);
  if (!made) load_errors_.add();
  std::vector<waiter> satisfied;
  flight_pointer next;
  {
    const section held(*this);
    made ? keep(*current, made) : note_failure(*current);
    std::vector<waiter> left;
    for (waiter& waiting : current->waiters) {
      (needs_another(waiting, made) ? left : satisfied).push_back(std::move(waiting));
    }
    current->waiters.clear();
    next = conclude(*current, std::move(left));
  }
  for (waiter& waiting : satisfied) answer_waiter(waiting, what, made);
  return next;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::needs_another(const waiter& waiting,
                                                          const stored_pointer& made) {
  if (!waiting.reply) return false;
  if (waiting.next_flight) return true;
  // The leader's own loader has had its say, whatever it was; see answer_waiter.
  if (waiting.leads || !made) return false;
  return !made->meets(waiting.wanted);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::keep(const flight& current,
                                                 const stored_pointer& made) {
  if (Checks::superseded && current.superseded) return;
  if constexpr (Checks::newest_wins) {
    const auto present = entries_.peek(current.key);
    if (present && (*present)->computed_at() > made->computed_at()) return;
  }
  // A refusal is counted there; the callers get the value all the same.
  static_cast<void>(entries_.insert(current.key, made));
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::note_failure(const flight& current) {
  if (current.superseded) return;
  if (const auto present = entries_.peek(current.key)) (*present)->note_failure(time_.now());
}

template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::conclude(flight& current, std::vector<waiter> left)
    -> flight_pointer {
  if (!current.superseded) flights_.erase(current.key);
  if (left.empty()) return nullptr;
  for (waiter& waiting : left) waiting.next_flight = false;
  const auto under_way = flights_.find(current.key);
  if (under_way == flights_.end()) return begin(current.key, std::move(left));
  // A superseded flight has a successor already, which began after everybody here had called: late
  // enough for a bypass.
  for (waiter& waiting : left) under_way->second->waiters.push_back(std::move(waiting));
  return nullptr;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::answer_waiter(waiter& waiting, const outcome& what,
                                                          const stored_pointer& made) noexcept {
  if (!waiting.reply) return;
  if (!made) return call_handler(std::move(waiting.reply), std::unexpected(what.error()));
  if (waiting.leads) {
    if (auto problem = made->unmet(waiting.wanted)) {
      return call_handler(std::move(waiting.reply), std::unexpected(*std::move(problem)));
    }
  }
  call_handler(std::move(waiting.reply),
               made->deliver(waiting.allowed, waiting.wanted, !waiting.leads, time_.now()));
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::set(const Key& key, loaded<Value> content) {
  const auto made = std::make_shared<stored>(std::move(content), time_.now());
  const section held(*this);
  supersede(key);
  static_cast<void>(entries_.insert(key, made));
}

template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::remove(const Key& key) {
  const section held(*this);
  supersede(key);
  return entries_.remove(key);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::clear() {
  const section held(*this);
  for (auto& [key, current] : flights_) current->superseded = true;
  flights_.clear();
  static_cast<void>(entries_.clear());
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::supersede(const Key& key) {
  const auto under_way = flights_.find(key);
  if (under_way == flights_.end()) return;
  under_way->second->superseded = true;
  flights_.erase(under_way);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
statistics core<Key, Value, Hash, Equal, Checks>::stats() const {
  const auto inside = entries_.stats();
  return {.hits = hits_.value(),
          .stale_hits = stale_hits_.value(),
          .misses = misses_.value(),
          .loads = loads_.value(),
          .load_errors = load_errors_.value(),
          .coalesced = coalesced_.value(),
          .evictions = inside.evictions,
          .refusals = inside.refusals,
          .entries = inside.entries,
          .weight = inside.weight};
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::validate() const {
  const std::lock_guard lock(mutex_);
  entries_.validate();
  LODESTAR_ASSERT(retired_.empty(), "what left the cache is destroyed by the call that removed it");
  for (const auto& [key, current] : flights_) {
    LODESTAR_ASSERT(Equal{}(current->key, key), "a flight is listed under its key");
    LODESTAR_ASSERT(!current->superseded, "a superseded flight is not listed");
    LODESTAR_ASSERT(!current->waiters.empty(), "a flight has a leader");
    LODESTAR_ASSERT(current->waiters.front().leads, "the front leads");
  }
}

}  // namespace lodestar::swr::detail
