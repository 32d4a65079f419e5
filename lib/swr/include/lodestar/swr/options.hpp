// What a stale-while-revalidate cache is told at the beginning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/codec.hpp>
#include <lodestar/swr/dependency.hpp>
#include <lodestar/swr/events.hpp>
#include <lodestar/swr/tiers.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr {

template <class Key, class Value>
struct options {
  /// In keys of tiers, messages and metrics. Required with tiers, where each cache has another one;
  /// not beginning with '@'.
  std::string name = {};
  /// Of the entries in memory together; by default each weighs 1.
  std::size_t weight_max = 10'000;
  std::function<std::size_t(const Key&, const Value&)> weigher = nullptr;

  lifetimes keep = {};
  /// For values that say that there is nothing (an empty std::optional); as the others by default.
  std::optional<lifetimes> keep_absent = {};
  /// What calls without options go by.
  call_options defaults = {};
  /// How long after a failure what fail-safe has is served without trying again.
  std::int64_t fail_safe_throttle_ms = 30'000;
  /// How long callers of one key wait for one loader; then they get deadline_exceeded or what
  /// fail-safe has, what it brings is not kept, and the next caller begins anew.
  std::int64_t load_ms_max = 60'000;

  std::shared_ptr<tiers> below = nullptr;
  /// Of values and keys in the tiers; those of codec.hpp where nothing is said.
  std::optional<value_codec<Value>> values = {};
  std::optional<key_codec<Key>> keys = {};
  /// Who knows about positions. Without it, entries with dependencies stay in memory.
  std::shared_ptr<dependency_source> dependencies = nullptr;

  // They must outlive the cache and its loads.
  clock* time = &system_clock();
  scheduler* timer = &system_timer();
  random_source* random = &system_random();  ///< For jitter; thread-safe.
  event_sink* events = nullptr;
};

/// Why these options cannot be, in one sentence with a hint; nothing when they can.
template <class Key, class Value>
[[nodiscard]] std::optional<error> find_mistake(const options<Key, Value>& settings) {
  const auto wrong = [](std::string what, std::string hint) {
    return error{.code = error_code::invalid_argument,
                 .message = std::move(what),
                 .place = {},
                 .hint = std::move(hint)};
  };
  const auto is_negative = [](const lifetimes& keep) {
    return keep.fresh_ms < 0 || keep.stale_ms < 0 || keep.fail_safe_ms < 0;
  };
  if (settings.weight_max == 0)
    return wrong("weight_max is 0", "a cache that keeps nothing is none");
  if (is_negative(settings.keep) || (settings.keep_absent && is_negative(*settings.keep_absent)))
    return wrong("a lifetime is negative", "lifetimes are milliseconds from 0");
  if (settings.fail_safe_throttle_ms < 0 || settings.load_ms_max <= 0)
    return wrong("fail_safe_throttle_ms is negative, or load_ms_max not above 0",
                 "use duration_ms_unlimited for no limit");
  if (!settings.below) return std::nullopt;
  if (settings.name.empty() || settings.name.starts_with('@'))
    return wrong("a cache over tiers has a name that does not begin with '@'", "set name");
  const auto values = settings.values.value_or(value_codec<Value>::standard());
  if (!values.encode || !values.decode)
    return wrong("there is no codec for the values", "specialise swr::codec, or set values");
  const auto keys = settings.keys.value_or(key_codec<Key>::standard());
  if (!keys.encode || !keys.decode) return wrong("there is no codec for the keys", "set keys");
  return std::nullopt;
}

}  // namespace lodestar::swr
