// Which entry goes when the cache is full: second chance (CLOCK; F. Corbató, 1968).
//
// Not thread-safe: the caller holds the lock of the cache.
#pragma once
#include <cstdint>
#include <lodestar/base/assert.hpp>
#include <lodestar/cache/detail/record_store.hpp>
namespace lodestar::cache::detail {
template <class Records>
class policy {
 public:
  static constexpr std::uint8_t uses_max = 3;
  explicit policy(Records& records) : records_(records) {}
  void insert(std::uint32_t number) {
    auto& links = records_.policy_links(number);
    links = {no_number, head_};
    if (head_ != no_number) records_.policy_links(head_).newer = number;
    head_ = number;
    if (tail_ == no_number) tail_ = number;
    ++count_;
  }
  void erase(std::uint32_t number) {
    auto& links = records_.policy_links(number);
    (links.newer == no_number ? head_ : records_.policy_links(links.newer).older) = links.older;
    (links.older == no_number ? tail_ : records_.policy_links(links.older).newer) = links.newer;
    --count_;
  }
  [[nodiscard]] std::uint32_t victim() {
    while (tail_ != no_number) {
      const std::uint32_t number = tail_;
      auto& record = records_.at(number);
      if (record.uses() == 0) return number;
      record.set_uses(static_cast<std::uint8_t>(record.uses() - 1));
      erase(number);
      insert(number);
    }
    return no_number;
  }
  [[nodiscard]] std::size_t validate() const { return count_; }
  [[nodiscard]] std::size_t memory_bytes() const { return 0; }

 private:
  Records& records_;
  std::uint32_t head_ = no_number, tail_ = no_number;
  std::size_t count_ = 0;
};
}  // namespace lodestar::cache::detail
