// What a cache promises to concurrent callers, for <verify/linearizability.hpp>: the map's model,
// with what loads add to it.
//
// A load that a write or a removal overtook is handed to those who wait for it and not stored
// (cache.hpp). So what was loaded may be there afterwards or not, and whoever joined that load may
// get its value while the key is absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <verify/linearizability.hpp>

namespace lodestar::cache {

/// Of one that evicts nothing and where nothing expires. The `done` of an insert says that it
/// replaced something.
struct cache_register : linearizability::map_register {
  using operation = linearizability::map_operation;

  struct state {
    std::optional<std::int64_t> value;
    std::optional<std::int64_t> handed;  // Out, and not stored.
    friend bool operator==(const state&, const state&) = default;
  };

  [[nodiscard]] static state initial() { return {}; }
  [[nodiscard]] static std::size_t hash(const state& now) noexcept {
    const std::hash<std::optional<std::int64_t>> hash_of;
    return hash_of(now.value) * 31 + hash_of(now.handed);
  }
  [[nodiscard]] static std::vector<state> step(const state& now, const input& in,
                                               const output& out) {
    if (in.what == operation::get_or_load) return step_load(now, out);
    if (in.what == operation::insert && out.done != now.value.has_value()) return {};
    const auto next = map_register::step({now.value}, in, out);
    if (!next) return {};
    const bool changed = next->value != now.value;
    return {state{next->value, changed ? std::nullopt : now.handed}};
  }

  using map_register::describe;
  [[nodiscard]] static std::string describe(const state& now) {
    const auto text = map_register::describe(linearizability::map_state{now.value});
    return now.handed ? fmt::format("{}, {} was handed out", text, *now.handed) : text;
  }

 private:
  [[nodiscard]] static std::vector<state> step_load(const state& now, const output& out) {
    if (out.done) {
      if (now.value) return {};
      return {state{out.value, std::nullopt}, state{std::nullopt, out.value}};
    }
    if (!out.value || (out.value != now.value && out.value != now.handed)) return {};
    return {now};
  }
};

/// Of one that evicts: a key may become absent at any time.
struct evictable_cache_register : cache_register {
  [[nodiscard]] static std::vector<state> step(const state& now, const input& in,
                                               const output& out) {
    auto next = cache_register::step(now, in, out);
    if (!now.value) return next;
    for (auto& each : cache_register::step({std::nullopt, now.value}, in, out))
      next.push_back(std::move(each));
    return next;
  }
};

/// Of one where entries expire, too: who looks at the moment when the old time of an entry passes,
/// while it gets a new one, may miss it.
struct expiring_cache_register : evictable_cache_register {
  [[nodiscard]] static std::vector<state> step(const state& now, const input& in,
                                               const output& out) {
    auto next = evictable_cache_register::step(now, in, out);
    if (!now.value) return next;
    for (const auto& each : cache_register::step({}, in, out))
      if (!each.value) next.push_back(now);
    return next;
  }
};

}  // namespace lodestar::cache
