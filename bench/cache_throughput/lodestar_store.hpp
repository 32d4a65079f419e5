// Lodestar's cache through its public interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <lodestar/cache/cache.hpp>

namespace lodestar::bench {

template <class Key>
class lodestar_store {
 public:
  using key_type = Key;
  using cache_type = cache::cache<Key, std::uint64_t>;
  static constexpr bool evicts = true;

  explicit lodestar_store(std::size_t entries_max)
      : lodestar_store(typename cache_type::options_type{.entries_max = entries_max}) {}
  explicit lodestar_store(typename cache_type::options_type options) : cache_(std::move(options)) {}

  [[nodiscard]] std::optional<std::uint64_t> get(const Key& key) { return cache_.get(key); }
  void put(const Key& key, std::uint64_t value) { cache_.insert(key, value); }
  void remove(const Key& key) { cache_.remove(key); }
  [[nodiscard]] std::size_t entries() const { return cache_.size(); }

 private:
  cache_type cache_;
};

}  // namespace lodestar::bench
