// Which hits the eviction policy wants to hear of: those on a sample of the keys.
//
// It lies apart from the policy, since every hit reads it: it is written when the sample changes,
// the policy with every miss.
//
// Thread-safety: samples() may be called from any thread at any time, set_mask() under the lock of
// the policy's owner.
#pragma once

#include <atomic>
#include <cstdint>

namespace lodestar::cache::detail {

class hit_sample {
 public:
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  /// The seed should be random for each cache.
  explicit hit_sample(std::uint64_t seed) noexcept : seed_(seed) {}

  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] bool samples(std::uint64_t hash) const noexcept {
    // The high bits of the product depend on all bits of a hash that may be a plain number.
    const std::uint64_t product = (hash ^ seed_) * 0x9E37'79B9'7F4A'7C15U;
    return (product & mask_.load(std::memory_order_relaxed)) == 0;
  }
  /// Of the keys, those whose bits under the mask are 0: all for 0, none for `none`.
  void set_mask(std::uint64_t mask) noexcept {
    if (mask_.load(std::memory_order_relaxed) != mask) mask_.store(mask, std::memory_order_relaxed);
  }

 private:
  const std::uint64_t seed_;
  std::atomic<std::uint64_t> mask_{0};
};

}  // namespace lodestar::cache::detail
