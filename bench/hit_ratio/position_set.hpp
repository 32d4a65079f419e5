// A set of numbers below a fixed bound that knows its greatest: a tree of bitmaps, 64 children a
// node.
//
// All operations take one step for each level, five for a billion numbers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lodestar::bench::hit_ratio {

class position_set {
 public:
  explicit position_set(std::size_t bound);

  void add(std::size_t position);
  void remove(std::size_t position);
  /// The set must not be empty.
  [[nodiscard]] std::size_t greatest() const;

 private:
  // levels_[0] has a bit for each number, each further level one for each word below it; the last
  // level is one word.
  std::vector<std::vector<std::uint64_t>> levels_;
};

inline position_set::position_set(std::size_t bound) {
  do {
    bound = (bound + 63) / 64;
    levels_.emplace_back(bound, 0);
  } while (bound > 1);
}

inline void position_set::add(std::size_t position) {
  for (auto& level : levels_) {
    level[position / 64] |= std::uint64_t{1} << (position % 64);
    position /= 64;
  }
}

inline void position_set::remove(std::size_t position) {
  for (auto& level : levels_) {
    level[position / 64] &= ~(std::uint64_t{1} << (position % 64));
    if (level[position / 64] != 0) return;
    position /= 64;
  }
}

inline std::size_t position_set::greatest() const {
  std::size_t position = 0;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
    position = 64 * position + static_cast<std::size_t>(std::bit_width((*level)[position]) - 1);
  return position;
}

}  // namespace lodestar::bench::hit_ratio
