// RocksDB's HyperClockCache, made for blocks of files: keys have 16 bytes, a value is a pointer.
// The value is kept in the pointer itself, which spares it an allocation.
//
// Its Insert() of a key that is present keeps the value there: a write measures that.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <rocksdb/cache.h>

namespace lodestar::bench {

class hyper_clock_cache {
 public:
  using key_type = std::uint64_t;
  static constexpr bool evicts = true;

  explicit hyper_clock_cache(std::size_t entries_max)
      : cache_(options_for(entries_max).MakeSharedCache()) {}

  [[nodiscard]] std::optional<std::uint64_t> get(std::uint64_t number) {
    const key_bytes key(number);
    rocksdb::Cache::Handle* const found = cache_->Lookup(key.slice());
    if (found == nullptr) return std::nullopt;
    const auto value = std::bit_cast<std::uint64_t>(cache_->Value(found));
    cache_->Release(found);
    return value;
  }
  void put(std::uint64_t number, std::uint64_t value) {
    const key_bytes key(number);
    // Not strict: it makes room, so that there is no error to look at.
    cache_->Insert(key.slice(), std::bit_cast<void*>(value), 1, forget).PermitUncheckedError();
  }
  void remove(std::uint64_t number) { cache_->Erase(key_bytes(number).slice()); }
  /// Each entry is charged 1.
  [[nodiscard]] std::size_t entries() const { return cache_->GetUsage(); }

 private:
  class key_bytes {
   public:
    explicit key_bytes(std::uint64_t number) : bytes_{number, number} {}
    [[nodiscard]] rocksdb::Slice slice() const {
      return {reinterpret_cast<const char*>(bytes_.data()), sizeof bytes_};
    }

   private:
    std::array<std::uint64_t, 2> bytes_;
  };

  static void forget(const rocksdb::Slice& /*key*/, void* /*value*/) {}
  [[nodiscard]] static rocksdb::HyperClockCacheOptions options_for(std::size_t entries_max) {
    return {entries_max, 1, -1, false, nullptr, rocksdb::kDontChargeCacheMetadata};
  }

  std::shared_ptr<rocksdb::Cache> cache_;
};

}  // namespace lodestar::bench
