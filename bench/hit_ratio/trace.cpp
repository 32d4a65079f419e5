#include "hit_ratio/trace.hpp"

#include <bit>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::bench::hit_ratio {
namespace {

constexpr std::uint32_t free_slot = 0xFFFF'FFFF;

/// Keys to numbers by open addressing: p2, a trace of 12.7 million accesses, is numbered in a
/// second, where std::unordered_map needs several.
class key_numbers {
 public:
  explicit key_numbers(std::size_t expected) { resize(std::bit_ceil(2 * expected + 2)); }

  std::uint32_t number_of(std::uint64_t key) {
    slot& found = slots_[find(key)];
    if (found.number != free_slot) return found.number;
    const auto number = static_cast<std::uint32_t>(count_++);
    found = {key, number};
    if (2 * count_ > slots_.size()) grow();
    return number;
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  struct slot {
    std::uint64_t key = 0;
    std::uint32_t number = free_slot;
  };

  void resize(std::size_t slots) {
    slots_.assign(slots, {});
    shift_ = 64U - std::bit_width(slots - 1);
  }
  /// The slot of the key, or the free one that it belongs into.
  [[nodiscard]] std::size_t find(std::uint64_t key) const noexcept {
    // Multiplication by an odd constant near 2^64 / the golden ratio; the high bits are mixed best.
    auto at = static_cast<std::size_t>((key * 0x9E37'79B9'7F4A'7C15U) >> shift_);
    while (slots_[at].number != free_slot && slots_[at].key != key)
      at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    const auto old = std::exchange(slots_, {});
    resize(2 * old.size());
    for (const slot& each : old) {
      if (each.number != free_slot) slots_[find(each.key)] = each;
    }
  }

  std::vector<slot> slots_;
  std::size_t shift_ = 0;
  std::size_t count_ = 0;
};

constexpr std::size_t expected_keys = 1'000;

}  // namespace

trace make_trace(std::string name, key_sequence keys) {
  LODESTAR_ASSERT(keys.size() <= accesses_max, "positions fit into 32 bits");
  key_numbers numbers(expected_keys);
  trace made{.name = std::move(name), .keys = std::move(keys), .numbers = {}, .unique_keys = 0};
  made.numbers.reserve(made.keys.size());
  for (const std::uint64_t key : made.keys) made.numbers.push_back(numbers.number_of(key));
  made.unique_keys = numbers.count();
  return made;
}

}  // namespace lodestar::bench::hit_ratio
