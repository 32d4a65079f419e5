// The members of cache (cache.hpp) for many keys at once.
#pragma once

#include <exception>
#include <optional>
#include <ranges>
#include <span>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lodestar/cache/cache.hpp>

namespace lodestar::cache {

template <class Key, class Value, class Hash, class Equal>
template <class Keys>
std::vector<std::optional<Value>> cache<Key, Value, Hash, Equal>::get_all(const Keys& keys) {
  std::vector<std::optional<Value>> values;
  if constexpr (std::ranges::sized_range<const Keys>) values.reserve(std::ranges::size(keys));
  for (const auto& key : keys) values.push_back(get(key));
  return values;
}

template <class Key, class Value, class Hash, class Equal>
template <class Entries>
std::vector<outcome> cache<Key, Value, Hash, Equal>::insert_all(Entries&& entries) {
  constexpr bool may_move =
      !std::is_lvalue_reference_v<Entries> && !std::ranges::view<std::remove_cvref_t<Entries>>;
  std::vector<outcome> outcomes;
  if constexpr (std::ranges::sized_range<Entries>) outcomes.reserve(std::ranges::size(entries));
  for (auto&& [key, value] : entries) {
    if constexpr (may_move) {
      outcomes.push_back(insert(key, std::move(value)));
    } else {
      outcomes.push_back(insert(key, value));
    }
  }
  return outcomes;
}

template <class Key, class Value, class Hash, class Equal>
template <class Keys>
std::size_t cache<Key, Value, Hash, Equal>::remove_all(const Keys& keys) {
  std::size_t count = 0;
  for (const auto& key : keys) count += static_cast<std::size_t>(remove(key));
  return count;
}

// ------------------------------------------------------------------------------------- loading

template <class Key, class Value, class Hash, class Equal>
class cache<Key, Value, Hash, Equal>::led_together {
 public:
  explicit led_together(cache& owner) noexcept : owner_(owner) {}
  ~led_together() {
    for (; ended_ < flights_.size(); ++ended_) owner_.give_up(*flights_[ended_], detail::no_ticket);
  }
  led_together(const led_together&) = delete;
  led_together& operator=(const led_together&) = delete;

  /// Before a flight is boarded: whoever leads it must not fail to note that.
  void make_room() {
    if (flights_.size() == flights_.capacity()) flights_.reserve(2 * flights_.size() + 1);
  }
  void add(std::shared_ptr<flight> led) { flights_.push_back(std::move(led)); }
  [[nodiscard]] const std::vector<std::shared_ptr<flight>>& all() const noexcept {
    return flights_;
  }
  void set_loading(bool here) {
    for (const auto& each : flights_) each->set_loading(here);
  }
  /// The next of them.
  void end(typename flight::landed brought) {
    flight& ending = *flights_[ended_];
    ++ended_;
    static_cast<void>(owner_.finish(ending, std::move(brought)));
  }

 private:
  cache& owner_;
  std::vector<std::shared_ptr<flight>> flights_;
  std::size_t ended_ = 0;
};

namespace detail {

template <class Key, class Value>
using brought_together = result<std::vector<std::pair<Key, Value>>>;

[[nodiscard]] inline std::unexpected<error> left_out() {
  return fail(error_code::not_found, "the loader brought no value for this key", {},
              "let it return a pair for every key that it is given, or expect this error");
}

/// A loader of many keys as one of a single key.
template <class Key, class Value, class Equal, class Loader>
struct load_one {
  Loader load;
  Equal equal;
  result<Value> operator()(const Key& key) {
    brought_together<Key, Value> brought = load(std::span<const Key>(&key, 1));
    if (!brought) return std::unexpected(std::move(brought).error());
    for (auto& [other, value] : *brought)
      if (equal(other, key)) return std::move(value);
    return left_out();
  }
};

}  // namespace detail

template <class Key, class Value, class Hash, class Equal>
template <class Keys, class Loader>
std::vector<result<Value>> cache<Key, Value, Hash, Equal>::get_or_load_all(const Keys& keys,
                                                                           Loader&& load) {
  const cleaning after_it(*this);
  using one = detail::load_one<Key, Value, Equal, std::remove_cvref_t<Loader>>;
  detail::load_one<Key, Value, Equal, Loader&> load_it{load, equal_};
  struct asked {
    std::optional<loaded<Value>> known;
    std::shared_ptr<flight> joined;
  };
  std::vector<asked> all;
  led_together led(*this);
  for (const Key& key : keys) {
    const std::uint64_t hash = hash_of(key);
    asked& each = all.emplace_back();
    const auto refresh = [&](const found& due) {
      if constexpr (std::copy_constructible<std::remove_cvref_t<Loader>>)
        refresh_later(hash, key, due.seen, one{load, equal_});
    };
    if (auto known = get_known(hash, key, refresh)) {
      each.known.emplace(*std::move(known));
      continue;
    }
    led.make_room();
    const auto [joined, leads] = board_.board(hash, key, equal_);
    each.joined = joined;
    if (leads) led.add(joined);
  }
  load_together(led, load);
  std::vector<result<Value>> answers;
  answers.reserve(all.size());
  for (const asked& each : all)
    answers.push_back(each.known ? each.known->get()
                                 : follow({each.joined, false}, load_it)->get());
  return answers;
}

// One call for all that nobody has stored meanwhile.
template <class Key, class Value, class Hash, class Equal>
template <class Loader>
void cache<Key, Value, Hash, Equal>::load_together(led_together& led, Loader& load) {
  const auto& flights = led.all();
  std::vector<typename flight::landed> brought(flights.size());
  std::vector<Key> wanted;
  std::unordered_multimap<std::uint64_t, std::size_t> places;
  for (std::size_t place = 0; place < flights.size(); ++place) {
    brought[place] = find_stored(*flights[place]);
    if (brought[place]) continue;
    wanted.push_back(flights[place]->key);
    places.emplace(flights[place]->hash, place);
  }
  if (!wanted.empty()) {
    const auto bring = [&](auto&& what) {
      return std::make_shared<const loaded<Value>>(std::forward<decltype(what)>(what));
    };
    typename flight::landed otherwise;
    const steady_time began = loading_time();
    led.set_loading(true);
    try {
      detail::brought_together<Key, Value> answer = load(std::span<const Key>(wanted));
      if (!answer) otherwise = bring(std::unexpected(std::move(answer).error()));
      for (std::size_t next = 0; answer && next < answer->size(); ++next) {
        auto& [key, value] = (*answer)[next];
        const auto [first, last] = places.equal_range(hash_of(key));
        for (auto place = first; place != last; ++place) {
          if (equal_(flights[place->second]->key, key))
            brought[place->second] = bring(std::move(value));
        }
      }
      if (answer) otherwise = bring(detail::left_out());
    } catch (...) {
      otherwise = bring(std::current_exception());
    }
    led.set_loading(false);
    count_loading_since(began);
    for (auto& each : brought)
      if (!each) each = otherwise;
  }
  for (auto& each : brought) led.end(std::move(each));
}

}  // namespace lodestar::cache
