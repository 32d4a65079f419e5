// The members of cache (cache.hpp) that load.
#pragma once

#include <exception>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

template <class Key, class Value, class Hash, class Equal>
template <class Loader>
result<Value> cache<Key, Value, Hash, Equal>::get_or_load(const Key& key, Loader&& load) {
  const cleaning after_it(*this);
  const std::uint64_t hash = hash_of(key);
  const auto refresh = [&](const found& due) { refresh_later(hash, key, due.seen, load); };
  if (auto known = get_known(hash, key, refresh)) return *std::move(known);
  return follow(board_.board(hash, key, equal_), load)->get();
}

// To the end of a flight that was boarded, or of the one that comes after it when it was given up.
template <class Key, class Value, class Hash, class Equal>
template <class Loader>
auto cache<Key, Value, Hash, Equal>::follow(boarding on, Loader&& load) -> typename flight::landed {
  for (;;) {
    const auto [joined, leads] = on;
    if (!leads) {
      if (auto landed = wait_for(*joined)) return landed;
      if (joined->abandoned()) {
        board_.leave(*joined);
        on = board_.board(joined->hash, joined->key, equal_);
        continue;
      }
    }
    if (const auto stored = find_stored(*joined)) return settle(*joined, stored);
    return finish(*joined, call(*joined, load));
  }
}

// Null: the caller leads now, unless the flight was abandoned.
template <class Key, class Value, class Hash, class Equal>
auto cache<Key, Value, Hash, Equal>::wait_for(flight& joined) -> typename flight::landed {
  const detail::waiting_turn turn(joined);
  if (!turn.closes_circle()) return joined.wait();
  return std::make_shared<const loaded<Value>>(fail(
      error_code::conflict,
      "the load of a key would wait for itself: its loader asks for the same key, or waits for "
      "another loader that does",
      {}, "let the loader return what it has, or let all loaders ask for keys in one order"));
}

// What is known without loading. Calls refresh(found) when that is due.
template <class Key, class Value, class Hash, class Equal>
template <class Refresh>
std::optional<result<Value>> cache<Key, Value, Hash, Equal>::get_known(std::uint64_t hash,
                                                                       const Key& key,
                                                                       const Refresh& refresh) {
  const detail::process_pin pinned;
  found there;
  if (find_for_use(pinned, hash, key, there)) {
    if (refreshes_ && now() >= written(there.number) + refresh_ticks_) [[unlikely]]
      refresh(there);
    return contents::open(there.seen.content, [](const Key&, const Value& value) {
      return std::optional<result<Value>>(value);
    });
  }
  if (failures_) {
    if (auto failed = failures_->get(key))
      return result<Value>(std::unexpected(*std::move(failed)));
  }
  return std::nullopt;
}

// What somebody stored between the miss and the boarding; null when that is nothing. As the answer
// to a load: whoever leads has to bring one, whatever is thrown.
template <class Key, class Value, class Hash, class Equal>
auto cache<Key, Value, Hash, Equal>::find_stored(const flight& led) const ->
    typename flight::landed {
  try {
    const detail::process_pin pinned;
    found there;
    if (!find(led.hash, led.key, there)) return nullptr;
    return contents::open(there.seen.content, [](const Key&, const Value& value) {
      return std::make_shared<const loaded<Value>>(value);
    });
  } catch (...) {
    return std::make_shared<const loaded<Value>>(std::current_exception());
  }
}

template <class Key, class Value, class Hash, class Equal>
template <class Loader>
auto cache<Key, Value, Hash, Equal>::call(flight& led, Loader&& load) -> typename flight::landed {
  const steady_time began = loading_time();
  led.set_loading(true);
  typename flight::landed brought;
  try {
    brought = std::make_shared<const loaded<Value>>(load(led.key));
  } catch (...) {
    brought = std::make_shared<const loaded<Value>>(std::current_exception());
  }
  led.set_loading(false);
  count_loading_since(began);
  return brought;
}

template <class Key, class Value, class Hash, class Equal>
steady_time cache<Key, Value, Hash, Equal>::loading_time() const noexcept {
  return settings_.statistics ? settings_.time->now() : steady_time{};
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::count_loading_since(steady_time began) {
  if (!settings_.statistics) return;
  const detail::process_pin pinned;
  const auto elapsed = settings_.time->now() - began;
  counters_.add(loads_ns, pinned.thread_index(), static_cast<std::uint64_t>(elapsed.count()));
}

// Stores what was loaded, unless somebody wrote or invalidated the key since the load began, and
// tells everybody who waits. Returns what they were told.
template <class Key, class Value, class Hash, class Equal>
auto cache<Key, Value, Hash, Equal>::finish(flight& led, typename flight::landed brought) ->
    typename flight::landed {
  const cleaning after_it(*this);
  {
    const detail::process_pin pinned;
    counters_.add(loads, pinned.thread_index());
    if (brought->value() == nullptr) counters_.add(load_failures, pinned.thread_index());
  }
  try {
    if (const Value* value = brought->value()) {
      store_loaded(led, *value);
    } else if (const error* failed = brought->failure(); failed != nullptr && failures_) {
      // What a refresh fails at is still there.
      if (!led.over) keep_failure(led, *failed);
    }
  } catch (...) {
    // The weigher, an expiry function, or no memory: whoever waits must not wait for ever.
    brought = std::make_shared<const loaded<Value>>(std::current_exception());
  }
  return settle(led, std::move(brought));
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::store_loaded(const flight& led, const Value& value) {
  incoming arriving(*this, led.hash, led.key, Value(value));
  arriving.loaded_by = &led;
  if (!led.over) {
    static_cast<void>(store_after(arriving, nullptr));
    return;
  }
  // What it replaces, as it is now: a use may have moved its time since the refresh began.
  const detail::process_pin pinned;
  found there;
  if (find(led.hash, led.key, there) && is_same(there.seen, *led.over))
    static_cast<void>(store_after(arriving, &there.seen));
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::keep_failure(flight& led, const error& failed) {
  if (led.superseded()) return;
  failures_->insert(led.key, failed);
  board_.leave(led);
  // Whoever superseded it before that may have looked for its error too early.
  if (led.superseded()) static_cast<void>(failures_->remove(led.key));
}

template <class Key, class Value, class Hash, class Equal>
auto cache<Key, Value, Hash, Equal>::settle(flight& led, typename flight::landed answer) ->
    typename flight::landed {
  board_.leave(led);
  led.land(answer);
  return answer;
}

template <class Key, class Value, class Hash, class Equal>
void cache<Key, Value, Hash, Equal>::give_up(flight& led, std::uint64_t ticket) {
  led.abandon(ticket);
  // Who found it on the board meanwhile leaves it there, too, and begins anew.
  if (led.abandoned()) board_.leave(led);
}

// A write or an invalidation of the key: what is being loaded is out of date. Whether that was so.
template <class Key, class Value, class Hash, class Equal>
template <class K>
bool cache<Key, Value, Hash, Equal>::supersede(std::uint64_t hash, const K& key) {
  const bool overtaken = board_.supersede(hash, key, equal_);
  if (failures_) static_cast<void>(failures_->remove(key));
  return overtaken;
}

// ------------------------------------------------------------------------------------- refreshing

template <class Key, class Value, class Hash, class Equal>
template <class Loader>
void cache<Key, Value, Hash, Equal>::refresh_later(std::uint64_t hash, const Key& key,
                                                   const reading& seen, const Loader& load) {
  if constexpr (std::copy_constructible<Loader>) {
    auto [led, leads] = board_.board(hash, key, equal_, seen);
    if (!leads) return;
    completion<cache> ending(life_.tie(), std::move(led), detail::no_ticket);
    // Refused, or dropped with the queue: the old value stays, and whoever waits loads for himself.
    static_cast<void>(settings_.background->post(
        [ending = std::move(ending), load = load]() mutable { ending.bring(load); }));
  }
}

// ------------------------------------------------------------------------------------- callbacks

template <class Key, class Value, class Hash, class Equal>
template <class Start, class Done>
load_ticket<cache<Key, Value, Hash, Equal>> cache<Key, Value, Hash, Equal>::load_async(
    const Key& key, Start start, Done done) {
  const cleaning after_it(*this);
  const std::uint64_t hash = hash_of(key);
  const auto refresh = [&](const found& due) {
    const auto [led, leads] = board_.board(hash, key, equal_, due.seen);
    if (leads) begin(*led, start, life_.tie(), detail::no_ticket);
  };
  if (auto known = get_known(hash, key, refresh)) {
    done(loaded<Value>(*std::move(known)));
    return {};
  }
  const std::uint64_t ticket = next_ticket_.fetch_add(1, std::memory_order_relaxed);
  auto lead = [start = std::move(start), line = life_.tie(), ticket](flight& led) mutable {
    begin(led, start, line, ticket);
  };
  auto deliver = [done = std::move(done)](const typename flight::landed& landed) mutable {
    done(*landed);
  };
  typename flight::waiter mine{ticket, std::move(lead), std::move(deliver)};
  for (;;) {
    const auto [joined, leads] = board_.board(hash, key, equal_);
    if (leads) {
      auto begin_now = std::move(mine.lead);
      static_cast<void>(joined->add(mine));
      if (const auto stored = find_stored(*joined)) {
        static_cast<void>(settle(*joined, stored));
      } else {
        begin_now(*joined);
      }
      return {joined, ticket};
    }
    if (joined->add(mine)) return {joined, ticket};
    board_.leave(*joined);
  }
}

template <class Key, class Value, class Hash, class Equal>
template <class Start>
void cache<Key, Value, Hash, Equal>::begin(flight& led, Start& start,
                                           typename lifeline<cache>::line line,
                                           std::uint64_t ticket) {
  const std::shared_ptr<flight> kept = led.shared_from_this();
  led.set_loading(true);
  std::exception_ptr thrown;
  try {
    start(led.key, completion<cache>(line, kept, ticket));
  } catch (...) {
    thrown = std::current_exception();
  }
  led.set_loading(false);
  const bool unwound = kept->take_unwound();
  if (!thrown && !unwound) return;
  completion<cache> ending(std::move(line), kept, ticket);
  // Who caught it himself gave the load up.
  if (!thrown) return;
  // Somebody else may have the completion, or it has brought something already.
  kept->supersede();
  ending(thrown);
}

}  // namespace lodestar::cache
