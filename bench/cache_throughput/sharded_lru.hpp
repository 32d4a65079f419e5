// The textbook cache: shards with a mutex, a hash table and a list in the order of use each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace lodestar::bench {

class sharded_lru {
 public:
  using key_type = std::uint64_t;
  static constexpr bool evicts = true;

  explicit sharded_lru(std::size_t entries_max) {
    for (auto& each : shards_) each.entries_max = entries_max / shard_count;
  }

  [[nodiscard]] std::optional<std::uint64_t> get(std::uint64_t key) {
    return shard_of(key).get(key);
  }
  void put(std::uint64_t key, std::uint64_t value) { shard_of(key).put(key, value); }
  void remove(std::uint64_t key) { shard_of(key).remove(key); }
  [[nodiscard]] std::size_t entries();

 private:
  static constexpr unsigned shard_bits = 6;
  static constexpr std::size_t shard_count = 1 << shard_bits;

  // A cache line of its own for every mutex.
  struct alignas(64) shard {
    [[nodiscard]] std::optional<std::uint64_t> get(std::uint64_t key);
    void put(std::uint64_t key, std::uint64_t value);
    void remove(std::uint64_t key);

    using entry = std::pair<std::uint64_t, std::uint64_t>;
    std::mutex mutex;
    std::list<entry> order;  // the latest use first
    std::unordered_map<std::uint64_t, std::list<entry>::iterator> index;
    std::size_t entries_max = 0;
  };

  [[nodiscard]] shard& shard_of(std::uint64_t key) {
    return shards_[(key * 0x9E37'79B9'7F4A'7C15) >> (64 - shard_bits)];
  }

  std::array<shard, shard_count> shards_;
};

inline std::size_t sharded_lru::entries() {
  std::size_t sum = 0;
  for (auto& each : shards_) {
    const std::lock_guard lock(each.mutex);
    sum += each.index.size();
  }
  return sum;
}

inline std::optional<std::uint64_t> sharded_lru::shard::get(std::uint64_t key) {
  const std::lock_guard lock(mutex);
  const auto found = index.find(key);
  if (found == index.end()) return std::nullopt;
  order.splice(order.begin(), order, found->second);
  return found->second->second;
}

inline void sharded_lru::shard::put(std::uint64_t key, std::uint64_t value) {
  const std::lock_guard lock(mutex);
  if (const auto found = index.find(key); found != index.end()) {
    found->second->second = value;
    order.splice(order.begin(), order, found->second);
    return;
  }
  if (index.size() == entries_max) {
    index.erase(order.back().first);
    order.pop_back();
  }
  order.emplace_front(key, value);
  index.emplace(key, order.begin());
}

inline void sharded_lru::shard::remove(std::uint64_t key) {
  const std::lock_guard lock(mutex);
  const auto found = index.find(key);
  if (found == index.end()) return;
  order.erase(found->second);
  index.erase(found);
}

}  // namespace lodestar::bench
