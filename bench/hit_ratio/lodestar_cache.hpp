// The cache of this repository, through its public interface: get, and insert on a miss.
#pragma once

#include <cstddef>
#include <cstdint>

#include <lodestar/base/random.hpp>
#include <lodestar/cache/cache.hpp>

#include "hit_ratio/policy.hpp"

namespace lodestar::bench::hit_ratio {

class lodestar_cache final : public policy {
 public:
  /// Takes any keys, from any threads.
  explicit lodestar_cache(std::size_t capacity)
      : cache_({.entries_max = capacity, .random = &random_}) {}

  bool access(std::uint64_t key) override {
    if (cache_.get(key)) return true;
    cache_.insert(key, key);
    return false;
  }

 private:
  // The same in every run: the seed decides which keys share a sample and a ghost.
  seeded_random random_{1};
  cache::cache<std::uint64_t, std::uint64_t> cache_;
};

}  // namespace lodestar::bench::hit_ratio
