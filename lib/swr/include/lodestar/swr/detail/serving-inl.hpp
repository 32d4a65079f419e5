// Bodies of core.hpp: hits, and how a miss joins or begins a flight.
#pragma once

namespace lodestar::swr::detail {

template <class Key, class Value, class Hash, class Equal, class Checks>
std::optional<answer<Value>> core<Key, Value, Hash, Equal, Checks>::get(const Key& key,
                                                                        const call_options& allowed,
                                                                        const demand& wanted) {
  const steady_time began = settings_.events != nullptr ? time_.now() : steady_time{};
  auto served = get_before_load(key, allowed, wanted);
  if (served) return served;
  report_read(key, freshness::expired, began);
  misses_.add();
  return std::nullopt;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
std::optional<answer<Value>> core<Key, Value, Hash, Equal, Checks>::get_before_load(
    const Key& key, const call_options& allowed, const demand& wanted) {
  const steady_time began = settings_.events != nullptr ? time_.now() : steady_time{};
  stored_pointer found;
  auto served = sight<answer<Value>>(key, allowed, wanted, found);
  if (served) return served;
  const moment at = now();
  const auto state = found ? found->state_for(allowed, wanted, at) : std::nullopt;
  if (!state) return served;
  report_read(key, *state, began);
  count_hit(*state);
  served.emplace(found->serve(*state, at.now));
  return served;
}

// Most hits end here: the entry is looked at where it lies, without a reference to it that others
// would have to wait for, and by the cheaper clock. Who listens wants to know how long it took.
template <class Key, class Value, class Hash, class Equal, class Checks>
template <class Served, class... First>
auto core<Key, Value, Hash, Equal, Checks>::sight(const Key& key, const call_options& allowed,
                                                  const demand& wanted, stored_pointer& kept,
                                                  First... first) -> std::optional<Served> {
  if (allowed.skip_read.has_memory()) return std::nullopt;
  const auto nothing = [] { return std::optional<Served>(); };
  const auto judge = [&](const stored_pointer& found) {
    const moment about{.now = time_.recent(), .trust = trust_.load(std::memory_order_acquire)};
    if (settings_.events == nullptr && found->is_surely_fresh(allowed, wanted, about)) {
      count_hit(freshness::fresh);
      return found->template serve_fresh<std::optional<Served>>(about.now, std::in_place, first...);
    }
    kept = found;
    return nothing();
  };
  return entries_.visit_even_expired(key, judge, nothing);
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::report_read(const Key& key, freshness as,
                                                        steady_time began) const {
  if (settings_.events == nullptr) return;
  const std::string text = keys_.encode ? keys_.encode(key) : std::string();
  settings_.events->read({.tier = "memory",
                          .cache = settings_.name,
                          .key = text,
                          .hit = as != freshness::expired,
                          .state = as,
                          .failed = false,
                          .latency = time_.now() - began});
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::get_or_load(const Key& key, const call_options& allowed,
                                                        const demand& wanted, loader load,
                                                        handler reply) {
  LODESTAR_ASSERT(reply != nullptr, "get_or_load needs a handler");
  if (wanted.position_min > wanted.position_max) {
    return call_handler(std::move(reply),
                        fail(error_code::invalid_argument, "position_min is above position_max"));
  }
  stored_pointer found;
  auto served = sight<result<answer<Value>>>(key, allowed, wanted, found, std::in_place);
  if (served) return reply(*std::move(served));
  waiter asking{
      .allowed = allowed, .wanted = wanted, .load = std::move(load), .reply = std::move(reply)};
  for (;; found = allowed.skip_read.has_memory() ? nullptr : find(key)) {
    if (serve(key, found, asking)) return;
    entered what = enter(key, found, asking);
    if (what.how == entering::changed) continue;
    misses_.add();
    switch (what.how) {
      case entering::began: return run(std::move(what.begun));
      case entering::joined: return coalesced_.add();
      case entering::throttled:
        return answer_failed(allowed, wanted, std::move(asking.reply), what.throttled_by, found);
      case entering::absent: return call_handler(std::move(asking.reply), not_there());
      default:
        return call_handler(
            std::move(asking.reply),
            fail(error_code::invalid_argument, "a loader asked for the key that it is loading"));
    }
  }
}

template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::serve(const Key& key, const stored_pointer& found,
                                                  waiter& asking) {
  const steady_time began = settings_.events != nullptr ? time_.now() : steady_time{};
  const moment at = now();
  const auto state = found ? found->state_for(asking.allowed, asking.wanted, at) : std::nullopt;
  const freshness as = state.value_or(freshness::expired);
  report_read(key, as, began);
  if (!state) return false;
  const bool stale = as == freshness::stale;
  const bool early = !stale && found->is_due_early(asking.allowed, at.now);
  answer<Value> served = found->serve(as, at.now);
  count_hit(as);
  call_handler(std::exchange(asking.reply, nullptr), std::move(served));
  if (early || stale) revalidate(key, found, std::move(asking), early);
  return true;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
void core<Key, Value, Hash, Equal, Checks>::revalidate(const Key& key, const stored_pointer& found,
                                                       waiter asking, bool early) {
  if (!asking.load) return;
  if (early) asking.newer_than = found->stamp();
  std::vector<waiter> leader;
  leader.push_back(std::move(asking));
  flight_pointer begun;
  {
    const section held(*this);
    // Only while the entry is the one that was found stale: else somebody has refreshed it
    // meanwhile.
    if (flights_.contains(key) || entries_.peek(key) != found) return;
    if (!found->may_revalidate(time_.now())) return;
    begun = begin_flight(key, std::move(leader));
  }
  if (early) eager_refreshes_.add();
  run(std::move(begun));
}

// Decides under the mutex whether the caller joins, leads, or should look again because an entry
// came in between: the flight that stored it left the table in the same step, so nobody loads twice
// for one miss.
template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::enter(const Key& key, const stored_pointer& found,
                                                  waiter& asking) -> entered {
  const section held(*this);
  set_dues(asking);
  asking.asked = stamps_.latest();
  const auto under_way = flights_.find(key);
  if (under_way != flights_.end()) {
    flight& current = *under_way->second;
    if (current.loading_on == std::this_thread::get_id()) return {entering::reentered};
    if (!asking.load && current.is_loading) return {entering::absent};
    asking.next_flight = asking.wanted.bypass && current.is_loading;
    current.waiters.push_back(std::move(asking));
    list_due(under_way->second);
    return {entering::joined};
  }
  const bool reads_memory = !asking.wanted.bypass && !asking.allowed.skip_read.has_memory();
  const auto present = entries_.peek(key);
  if (reads_memory && present && *present != found) return {entering::changed};
  if (reads_memory && found) {
    const moment at = now();
    failure_pointer failure = found->throttled_by(at.now);
    if (failure && found->fallback_for(asking.allowed, asking.wanted, at))
      return {entering::throttled, nullptr, std::move(failure)};
  }
  if (!asking.load && !looks_first(asking)) return {entering::absent};
  std::vector<waiter> leader;
  leader.push_back(std::move(asking));
  return {entering::began, begin_flight(key, std::move(leader))};
}

template <class Key, class Value, class Hash, class Equal, class Checks>
auto core<Key, Value, Hash, Equal, Checks>::begin_flight(const Key& key,
                                                         std::vector<waiter> waiters)
    -> flight_pointer {
  auto begun = std::make_shared<flight>(key, now(), stamps_.next());
  begun->looks = looks_first(waiters.front());
  begun->allowed = waiters.front().allowed;
  begun->waiters = std::move(waiters);
  begun->waiters.front().leads = true;
  begun->overdue_at = later(begun->begun_at, settings_.load_ms_max);
  const bool added = flights_.emplace(key, begun).second;
  LODESTAR_ASSERT(added, "one flight per key");
  list_due(begun);
  return begun;
}

template <class Key, class Value, class Hash, class Equal, class Checks>
bool core<Key, Value, Hash, Equal, Checks>::looks_first(const waiter& leader) const {
  if (!settings_.below) return false;
  if (leader.wanted.bypass) return false;
  for (std::size_t tier = 0; tier < settings_.below->size(); ++tier) {
    if (!leader.allowed.skip_read.has_tier(tier)) return true;
  }
  return false;
}

}  // namespace lodestar::swr::detail
