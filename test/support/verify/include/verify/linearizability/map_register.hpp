// The models of a map from numbers to numbers, checked key by key: each is a register that may be
// absent. `evictable_map_register` is that of a cache, where a key may become absent at any time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lodestar::linearizability {

enum class map_operation : std::uint8_t {
  get,
  contains,
  insert,  // Or overwrites.
  insert_if_absent,
  replace,     // If present.
  replace_if,  // If it is `expected`.
  remove,
  remove_if,    // If it is `expected`.
  compute,      // A function of the value that makes another, or none.
  get_or_load,  // When absent, inserts what it loads.
  invalidate,   // Removes, and does not say whether there was anything.
};

struct map_input {
  map_operation what = map_operation::get;
  std::int64_t key = 0;
  std::int64_t value = 0;
  std::int64_t expected = 0;
};

struct map_output {
  /// Whether the operation did what it is named after; of get_or_load: whether it loaded.
  bool done = false;
  /// What was found, or became of it: get, compute, get_or_load. Where an insert_if_absent that
  /// fails or a remove also tell what they found, it is checked too.
  std::optional<std::int64_t> value;
  /// Of compute: what the function was given.
  std::optional<std::int64_t> seen;
};

struct map_state {
  std::optional<std::int64_t> value;
  friend bool operator==(const map_state&, const map_state&) = default;
};

struct map_register {
  using input = map_input;
  using output = map_output;
  using state = map_state;

  [[nodiscard]] static state initial() { return {}; }
  [[nodiscard]] static std::optional<state> step(const state& now, const input& in,
                                                 const output& out);
  [[nodiscard]] static std::size_t hash(const state& now) noexcept;
  [[nodiscard]] static std::int64_t key(const input& in) noexcept { return in.key; }
  [[nodiscard]] static std::string describe(const input& in, const output& out);
  [[nodiscard]] static std::string describe(const state& now);

  // Inputs and outputs in short.
  [[nodiscard]] static input get(std::int64_t key) {
    return {.what = map_operation::get, .key = key};
  }
  [[nodiscard]] static input contains(std::int64_t key) {
    return {.what = map_operation::contains, .key = key};
  }
  [[nodiscard]] static input insert(std::int64_t key, std::int64_t value) {
    return {.what = map_operation::insert, .key = key, .value = value};
  }
  [[nodiscard]] static input insert_if_absent(std::int64_t key, std::int64_t value) {
    return {.what = map_operation::insert_if_absent, .key = key, .value = value};
  }
  [[nodiscard]] static input replace(std::int64_t key, std::int64_t value) {
    return {.what = map_operation::replace, .key = key, .value = value};
  }
  [[nodiscard]] static input replace_if(std::int64_t key, std::int64_t expected,
                                        std::int64_t value) {
    return {.what = map_operation::replace_if, .key = key, .value = value, .expected = expected};
  }
  [[nodiscard]] static input remove(std::int64_t key) {
    return {.what = map_operation::remove, .key = key};
  }
  [[nodiscard]] static input remove_if(std::int64_t key, std::int64_t expected) {
    return {.what = map_operation::remove_if, .key = key, .expected = expected};
  }
  [[nodiscard]] static input compute(std::int64_t key) {
    return {.what = map_operation::compute, .key = key};
  }
  [[nodiscard]] static input get_or_load(std::int64_t key) {
    return {.what = map_operation::get_or_load, .key = key};
  }
  [[nodiscard]] static input invalidate(std::int64_t key) {
    return {.what = map_operation::invalidate, .key = key};
  }
  [[nodiscard]] static output found(std::optional<std::int64_t> value) {
    return {.done = value.has_value(), .value = value, .seen = {}};
  }
  [[nodiscard]] static output done(bool was_done) {
    return {.done = was_done, .value = {}, .seen = {}};
  }
  [[nodiscard]] static output computed(std::optional<std::int64_t> seen,
                                       std::optional<std::int64_t> value) {
    return {.done = true, .value = value, .seen = seen};
  }
  [[nodiscard]] static output loaded(bool was_loaded, std::optional<std::int64_t> value) {
    return {.done = was_loaded, .value = value, .seen = {}};
  }
};

struct evictable_map_register : map_register {
  /// As it is, or evicted just before.
  [[nodiscard]] static std::vector<state> step(const state& now, const input& in,
                                               const output& out);
};

}  // namespace lodestar::linearizability
