// A store in the memory of this process, bounded in bytes, with the eviction and the concurrency of
// lodestar::cache: what is looked up by many threads takes no lock, and what is used stays.
//
//   memory_store store({.bytes_max = 64U << 20});
//
// An entry takes its key, its bytes and entry_overhead_bytes of the bound. One that is larger than
// the bound is answered too_large; an older one of its key is gone then.
//
// Thread-safety: all members from any thread. Handlers run inside the call.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <lodestar/base/clock.hpp>
#include <lodestar/cache/cache.hpp>
#include <lodestar/swr/store.hpp>

namespace lodestar::swr {

struct memory_store_options {
  std::size_t bytes_max;
  /// Must outlive the store.
  clock* time = &system_clock();
};

class memory_store final : public store {
 public:
  /// What the cache needs for an entry beside its key and its bytes, about.
  static constexpr std::size_t entry_overhead_bytes = 160;

  explicit memory_store(const memory_store_options& options);

  [[nodiscard]] std::string_view name() const noexcept override { return "memory"; }
  void get(std::string_view key, steady_time deadline, got done) override;
  void set(std::string_view key, shared_bytes bytes, nanoseconds keep_for, steady_time deadline,
           ended done) override;
  void remove(std::span<const std::string_view> keys, steady_time deadline, ended done) override;
  void clear(steady_time deadline, ended done) override;

  /// Removes what has expired and destroys what was removed.
  void maintain() { entries_.maintain(); }
  [[nodiscard]] ::lodestar::cache::statistics stats() const { return entries_.stats(); }

 private:
  struct kept {
    shared_bytes bytes;
    nanoseconds keep_for;
  };
  using entries = ::lodestar::cache::cache<std::string, kept>;
  [[nodiscard]] static entries::options_type settings_for(const memory_store_options& options);

  entries entries_;
};

}  // namespace lodestar::swr
