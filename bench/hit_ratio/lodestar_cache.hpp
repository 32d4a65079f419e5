// The cache of this repository, through its public interface: get, and insert on a miss.
#pragma once

#include <cstddef>
#include <cstdint>

#include <lodestar/cache/cache.hpp>

#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

class lodestar_cache final : public policy {
 public:
  /// Takes any keys, from any threads.
  explicit lodestar_cache(std::size_t capacity) : cache_({.entries_max = capacity}) {}

  bool access(std::uint64_t key) override {
    if (cache_.get(key)) return true;
    cache_.insert(key, key);
    return false;
  }

 private:
  cache::cache<std::uint64_t, std::uint64_t> cache_;
};

}  // namespace lodestar::bench::hit_ratio
