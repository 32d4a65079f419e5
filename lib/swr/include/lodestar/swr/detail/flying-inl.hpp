// Bodies of core.hpp: what a flight does, from its first look to its end.
#pragma once

namespace lodestar::swr::detail {

// A loop and not a recursion: with loaders that complete inside their call, each follow-up would
// nest in the one before.
template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::run(flight_pointer next) {
  while (next) {
    if (std::exchange(next->looks, false)) {
      if (!look(next)) return;  // goes on where the tiers answer
      next = take_found(next);
      continue;
    }
    std::optional<outcome> early = call_loader(next);
    next = early ? deliver(next, *std::move(early)) : nullptr;
  }
}

// False when the answer comes later.
template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::look(const flight_pointer& current) {
  tier_set skip;
  {
    const section held(*this);
    if (current->waiters.empty()) return true;  // it took too long to get here
    current->looking_on = std::this_thread::get_id();
    skip = current->waiters.front().allowed.skip_read;
  }
  settings_.below->look(
      settings_.name, keys_.encode(current->key), values_.format, skip,
      [self = this->shared_from_this(), current](const tiers::found& what) {
        return self->judge(*current, what);
      },
      [self = this->shared_from_this(), current](bool taken) { self->looked(current, taken); });
  const section held(*this);
  current->looking_on = std::thread::id();
  return current->has_looked;
}

// On whichever thread the tiers answer. What is taken goes into memory, and into the tiers above,
// unless something newer came meanwhile.
template <class Key, class Value, class Hash, class Equal, class Checks>
tiers::verdict core<Key, Value, Hash, Equal, Checks>::judge(flight& current,
                                                            const tiers::found& what) {
  stored_pointer found;
  const tiers::verdict as = restore(current, what, found);
  if (as != tiers::verdict::taken) return as;
  const std::string key = keys_.encode(current.key);
  const write_stamp& stamp = found->stamp();
  const section held(*this);
  const bool removed = stamp.time <= cleared_.removed_at();
  if (removed || !settings_.below->is_newest_known(settings_.name, key, stamp))
    return tiers::verdict::useless;
  if (keep(current, found)) {
    settings_.below->enqueue_promotion(settings_.name, key, what, found->keep().fail_safe_ms,
                                       current.allowed.skip_write);
  }
  if (!current.superseded || !Checks::superseded) current.found = std::move(found);
  return tiers::verdict::taken;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::looked(const flight_pointer& current, bool taken) {
  bool inside_call = false;
  {
    const section held(*this);
    inside_call = current->looking_on == std::this_thread::get_id();
    current->has_looked = inside_call;
  }
  if (taken) send();
  if (!inside_call) run(take_found(current));
}

template <class Key, class Value, class Hash, class Equal, class Checks>
tiers::verdict core<Key, Value, Hash, Equal, Checks>::restore(const flight& current,
                                                              const tiers::found& what,
                                                              stored_pointer& restored) {
  const envelope& from = what.entry;
  stamps_.observe(from.stamp);
  bool known = true;
  auto depends = restore_dependency(from, known);
  if (!known) return tiers::verdict::useless;
  if (depends && !what.is_last && depends->moved_at() > from.computed_at)
    return tiers::verdict::outdated;
  std::optional<Value> value = decode(from);
  if (!value) return tiers::verdict::damaged;
  loaded<Value> content{.value = *std::move(value),
                        .computed_at = from.computed_at,
                        .depends_on = std::move(depends),
                        .weight = from.weight};
  for (const std::string_view tag : from.tags) content.tags.emplace_back(tag);
  content.weight = weigh(current.key, content);
  origin_of_entry origin{.keep = lifetimes_of(from),
                         .stamp = from.stamp,
                         .tier = static_cast<std::uint8_t>(what.tier)};
  const std::int64_t age_ms =
      std::clamp<std::int64_t>(time_.wall_us() / 1'000 - from.written_ms, 0, longest_age_ms);
  // What a tier keeps longer than memory is to be looked for there again and again.
  if (origin.keep.fresh_ms > settings_.keep.fresh_ms) {
    origin.keep.fresh_ms =
        std::min(origin.keep.fresh_ms, saturating_sum(settings_.keep.fresh_ms, age_ms));
  }
  for (const std::string& tag : content.tags) origin.marks.push_back(marks_.find(tag));
  restored = stored_pointer::make(
      current.key, std::move(content), std::move(origin),
      moment{.now = time_.now() - milliseconds(age_ms), .trust = current.trust});
  return tiers::verdict::taken;
}

// A codec that throws cannot decode it either: there is nobody to throw to.
template <class Key, class Value, class Hash, class Equal, class Checks>
std::optional<Value> core<Key, Value, Hash, Equal, Checks>::decode(const envelope& from) const {
  if (from.kind == envelope_kind::absent) return optional_traits<Value>::absent();
  try {
    return values_.decode(from.value);
  } catch (...) {
    return std::nullopt;
  }
}

template <class Key, class Value, class Hash, class Equal, class Checks>
lifetimes core<Key, Value, Hash, Equal, Checks>::lifetimes_of(const envelope& from) const {
  const bool absent = from.kind == envelope_kind::absent && settings_.keep_absent.has_value();
  const bool never_old = from.fresh_until_ms == duration_ms_unlimited;
  const auto span = [](std::int64_t begin, std::int64_t end) {
    return std::max<std::int64_t>(end - begin, 0);
  };
  return {
      .fresh_ms = never_old ? duration_ms_unlimited : span(from.written_ms, from.fresh_until_ms),
      .stale_ms = span(from.fresh_until_ms, from.stale_until_ms),
      .fail_safe_ms = (absent ? *settings_.keep_absent : settings_.keep).fail_safe_ms};
}

template <class Key, class Value, class Hash, class Equal, class Checks>
std::shared_ptr<const dependency> core<Key, Value, Hash, Equal, Checks>::restore_dependency(
    const envelope& from, bool& known) const {
  const auto& source = settings_.dependencies;
  known = source ? source->epoch(from.computed_at) == from.epoch : from.epoch == 0;
  if (!known || from.dependency == depends_on::nothing) return nullptr;
  known = source != nullptr;
  if (!known) return nullptr;
  stored_dependency which{.kind = from.dependency, .keys = {}};
  for (const std::string_view key : from.keys_depended_on) which.keys.emplace_back(key);
  auto restored = source->restore(which, from.computed_at);
  known = restored != nullptr;
  return restored;
}

// Answers those whom what was found satisfies, and returns the flight when it has to load for the
// others, or because what was found is stale.
template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::take_found(const flight_pointer& current)
    -> flight_pointer {
  std::vector<satisfied> answered;
  stored_pointer found;
  bool loads = false;
  {
    const section held(*this);
    found = std::move(current->found);
    loads = settle_by(found, *current, answered);
    if (!loads) {
      current->finished = true;
      unlist_due(current);
      if (!current->superseded) flights_.erase(current->key);
    }
  }
  const steady_time at = time_.now();
  for (satisfied& each : answered) {
    if (!each.who.reply) continue;
    if (!each.state) {
      call_handler(std::move(each.who.reply), not_there());
      continue;
    }
    tier_hits_.add();
    answer<Value> given = found->serve(*each.state, at);
    given.tier = found->tier();
    given.coalesced = !each.who.leads;
    call_handler(std::move(each.who.reply), std::move(given));
  }
  return loads ? current : nullptr;
}

// Moves those who are satisfied out of the flight; true when it goes on to load.
template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::settle_by(const stored_pointer& found, flight& current,
                                                      std::vector<satisfied>& answered) {
  const moment at = now();
  const bool was_waited_for = !current.waiters.empty();
  bool refresh = false;
  std::vector<waiter> left;
  for (waiter& each : current.waiters) {
    const auto state = found ? found->state_for(each.allowed, each.wanted, at) : std::nullopt;
    const bool enough = each.reply ? state.has_value()
                                   : state == freshness::fresh && found->stamp() > each.newer_than;
    if (!enough && each.load) {
      left.push_back(std::move(each));
      continue;
    }
    refresh = refresh || state == freshness::stale;
    answered.push_back({std::move(each), state});
  }
  if (left.empty() && refresh) {
    // One of those who were given something stale sees to it that there is something newer.
    for (satisfied& each : answered) {
      if (!each.who.load) continue;
      waiter background{.allowed = each.who.allowed,
                        .wanted = each.who.wanted,
                        .load = std::move(each.who.load),
                        .reply = nullptr};
      left.push_back(std::move(background));
      break;
    }
  }
  current.waiters = std::move(left);
  return was_waited_for && choose_leader(current.waiters);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::choose_leader(std::vector<waiter>& waiters) {
  for (waiter& each : waiters) each.leads = false;
  if (waiters.empty()) return false;
  waiters.front().leads = true;
  return true;
}

// What the loader brought inside its call, if it did.
template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::call_loader(const flight_pointer& current)
    -> std::optional<outcome> {
  loader load;
  {
    const section held(*this);
    if (current->waiters.empty()) return std::nullopt;  // it took too long to get here
    current->loading_on = std::this_thread::get_id();
    current->is_loading = true;
    if (settings_.below) {
      // Later than what the tiers had, and older than what is written from now on.
      current->begun_at = time_.now();
      current->stamp = stamps_.next();
    }
    waiter& leader = current->waiters.front();
    current->allowed = leader.allowed;
    load = std::move(leader.load);
  }
  LODESTAR_ASSERT(load != nullptr, "who leads has a loader");
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
  } catch (...) {
    return error_of_thrown();
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
  auto [made, encoded, failure] = convert(*current, std::move(what));
  stored_pointer present;
  std::vector<waiter> answered;
  flight_pointer next;
  {
    const section held(*this);
    if (made && keep(*current, made) && encoded) {
      settings_.below->enqueue(*std::move(encoded), nullptr, tiers::announced::where_shared);
    }
    if (failure) present = note_failure(*current, failure);
    std::vector<waiter> left;
    for (waiter& waiting : current->waiters) {
      (needs_another(waiting, made) ? left : answered).push_back(std::move(waiting));
    }
    current->waiters.clear();
    unlist_due(current);
    next = conclude(*current, std::move(left));
  }
  send();
  for (waiter& waiting : answered) {
    if (!waiting.reply) continue;
    if (made) {
      answer_waiter(waiting, made);
    } else {
      answer_failed(waiting.allowed, waiting.wanted, std::move(waiting.reply), failure, present);
    }
  }
  return next;
}

// Weigher and codec are the caller's code: what they throw is why there is no result.
template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::convert(const flight& current, outcome what)
    -> product {
  product brought;
  if (what) {
    try {
      brought.made = make_entry(
          current.key, *std::move(what), current.allowed,
          {.begun_at = current.begun_at, .stamp = current.stamp, .trust = current.trust});
      brought.encoded = encode(current.key, *brought.made, current.allowed);
      return brought;
    } catch (...) {
      what = std::unexpected(error_of_thrown());
    }
  }
  load_errors_.add();
  return {.failure = std::make_shared<const error>(std::move(what.error()))};
}

template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::needs_another(const waiter& waiting,
                                                          const stored_pointer& made) {
  if (!waiting.reply || !waiting.load) return false;
  if (waiting.next_flight) return true;
  // The leader's own loader has had its say, whatever it was; see answer_waiter.
  if (waiting.leads || !made) return false;
  // A tag was removed since the computation began, perhaps before this one asked.
  if (made->removed() && waiting.asked > made->stamp().time) return true;
  return !made->meets(waiting.wanted);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::keep(const flight& current,
                                                 const stored_pointer& made) {
  if (Checks::superseded && current.superseded) {
    superseded_.add();
    return false;
  }
  if constexpr (Checks::newest_wins) {
    const auto present = entries_.peek(current.key);
    if (present && !made->replaces(**present)) return false;
  }
  store_in_memory(current.key, made, current.allowed);
  return true;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::note_failure(const flight& current,
                                                         const failure_pointer& failure)
    -> stored_pointer {
  const auto present = entries_.peek(current.key);
  if (!present) return nullptr;
  if (!current.superseded)
    (*present)->note_failure(failure, later(time_.now(), settings_.fail_safe_throttle_ms),
                             time_.now());
  return *present;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::conclude(flight& current, std::vector<waiter> left)
    -> flight_pointer {
  if (!current.superseded) flights_.erase(current.key);
  if (left.empty()) return nullptr;
  for (waiter& waiting : left) waiting.next_flight = false;
  const auto under_way = flights_.find(current.key);
  if (under_way == flights_.end()) return begin_flight(current.key, std::move(left));
  // A superseded flight has a successor already, which began after everybody here had called: late
  // enough for a bypass.
  for (waiter& waiting : left) under_way->second->waiters.push_back(std::move(waiting));
  list_due(under_way->second);
  return nullptr;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::answer_waiter(waiter& waiting,
                                                          const stored_pointer& made) noexcept {
  if (waiting.leads) {
    if (auto problem = made->unmet(waiting.wanted)) {
      return call_handler(std::move(waiting.reply), std::unexpected(*std::move(problem)));
    }
  }
  call_handler(std::move(waiting.reply),
               made->deliver(waiting.allowed, waiting.wanted, !waiting.leads, time_.now()));
}

// What fail-safe has, or the failure.
template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::answer_failed(const call_options& allowed,
                                                          const demand& wanted, handler reply,
                                                          const failure_pointer& failure,
                                                          const stored_pointer& present) noexcept {
  const moment at = now();
  const auto state = present ? present->fallback_for(allowed, wanted, at) : std::nullopt;
  if (!state) return call_handler(std::move(reply), std::unexpected(*failure));
  fail_safe_.add();
  answer<Value> given = present->serve(*state, at.now);
  given.failure = failure;
  call_handler(std::move(reply), std::move(given));
}

}  // namespace lodestar::swr::detail
