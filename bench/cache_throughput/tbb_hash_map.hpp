// oneTBB's concurrent hash map: no cache, as it evicts nothing, but what is often used as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <oneapi/tbb/concurrent_hash_map.h>

namespace lodestar::bench {

class tbb_hash_map {
 public:
  using key_type = std::uint64_t;
  static constexpr bool evicts = false;

  explicit tbb_hash_map(std::size_t entries_max) : map_(entries_max) {}

  [[nodiscard]] std::optional<std::uint64_t> get(std::uint64_t key) {
    table::const_accessor found;
    if (!map_.find(found, key)) return std::nullopt;
    return found->second;
  }
  void put(std::uint64_t key, std::uint64_t value) {
    table::accessor found;
    map_.insert(found, key);
    found->second = value;
  }
  void remove(std::uint64_t key) { map_.erase(key); }
  [[nodiscard]] std::size_t entries() const { return map_.size(); }

 private:
  using table = oneapi::tbb::concurrent_hash_map<std::uint64_t, std::uint64_t>;
  table map_;
};

}  // namespace lodestar::bench
