#include "hit_ratio/generators.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <lodestar/base/random.hpp>

#include "hit_ratio/zipf.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

/// Keys of one part of a trace. The finalizer of SplitMix64 is a bijection: different numbers, or
/// parts, are different keys.
enum class part : std::uint64_t { popular, looped, once };

std::uint64_t key_of(part origin, std::uint64_t number) {
  std::uint64_t mixed = (static_cast<std::uint64_t>(origin) << 56) + number;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58'476D'1CE4'E5B9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D0'49BB'1331'11EBU;
  return mixed ^ (mixed >> 31);
}

/// Calls next() → key `accesses` times.
template <class Next>
key_sequence generate(std::size_t accesses, Next&& next) {
  key_sequence keys(accesses);
  std::ranges::generate(keys, std::forward<Next>(next));
  return keys;
}

/// Fisher and Yates; std::shuffle may differ between standard libraries.
void shuffle(std::vector<std::size_t>& order, random_source& random) {
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[random.next() % left]);
}

/// A stack of keys by the time of their last access. Distances beyond `depth_max` do not occur.
class recency_stack {
 public:
  explicit recency_stack(std::size_t depth_max) : depth_max_(depth_max) {}

  std::uint64_t access_new() {
    keys_.push_back(key_of(part::popular, created_++));
    // Cut rarely, as it moves all.
    if (keys_.size() > 2 * depth_max_)
      keys_.erase(keys_.begin(), keys_.end() - static_cast<std::ptrdiff_t>(depth_max_));
    return keys_.back();
  }
  std::uint64_t access(std::size_t distance) {
    if (distance >= keys_.size()) return access_new();
    const auto found = keys_.end() - 1 - static_cast<std::ptrdiff_t>(distance);
    std::rotate(found, found + 1, keys_.end());
    return keys_.back();
  }

 private:
  std::size_t depth_max_;
  key_sequence keys_;  // the last is the newest
  std::uint64_t created_ = 0;
};

}  // namespace

key_sequence zipf(double theta, std::size_t items, std::size_t accesses, std::uint64_t seed) {
  seeded_random random(seed);
  const zipf_ranks ranks(theta, items);
  return generate(accesses, [&] { return key_of(part::popular, ranks.draw(random)); });
}

key_sequence zipf_with_scans(double theta, std::size_t items, std::size_t pause, std::size_t scan,
                             std::size_t accesses, std::uint64_t seed) {
  seeded_random random(seed);
  const zipf_ranks ranks(theta, items);
  std::uint64_t position = 0;
  std::uint64_t scanned = 0;
  return generate(accesses, [&] {
    return position++ % (pause + scan) < pause ? key_of(part::popular, ranks.draw(random))
                                               : key_of(part::once, scanned++);
  });
}

key_sequence loop(std::size_t items, std::size_t accesses) {
  std::uint64_t position = 0;
  return generate(accesses, [&] { return key_of(part::looped, position++ % items); });
}

key_sequence zipf_with_phases(double theta, std::size_t items, std::size_t phase,
                              std::size_t accesses, std::uint64_t seed) {
  seeded_random random(seed);
  const zipf_ranks ranks(theta, items);
  std::vector<std::size_t> key_of_rank(items);
  std::iota(key_of_rank.begin(), key_of_rank.end(), std::size_t{0});
  std::uint64_t position = 0;
  return generate(accesses, [&] {
    if (position++ % phase == 0) shuffle(key_of_rank, random);
    return key_of(part::popular, key_of_rank[ranks.draw(random)]);
  });
}

key_sequence mixture(double theta, std::size_t items, std::size_t loop_items, std::size_t accesses,
                     std::uint64_t seed) {
  constexpr double zipf_share = 0.5;
  constexpr double loop_share = 0.3;
  seeded_random random(seed);
  const zipf_ranks ranks(theta, items);
  std::uint64_t looped = 0;
  std::uint64_t once = 0;
  return generate(accesses, [&] {
    const double chosen = unit(random);
    if (chosen < zipf_share) return key_of(part::popular, ranks.draw(random));
    if (chosen < zipf_share + loop_share) return key_of(part::looped, looped++ % loop_items);
    return key_of(part::once, once++);
  });
}

key_sequence recency(std::size_t distance, std::size_t accesses, std::uint64_t seed) {
  constexpr double new_share = 0.2;
  // A geometric distance beyond 32 times its mean has a probability of e^-32.
  constexpr std::size_t depth_of_mean = 32;
  seeded_random random(seed);
  recency_stack stack(depth_of_mean * (distance + 1));
  const double continued = static_cast<double>(distance) / static_cast<double>(distance + 1);
  return generate(accesses, [&] {
    if (unit(random) < new_share) return stack.access_new();
    const double drawn = 1 - unit(random);  // in (0, 1]
    return stack.access(
        continued > 0 ? static_cast<std::size_t>(std::log(drawn) / std::log(continued)) : 0);
  });
}

key_sequence recency_around_loop(std::size_t distance, std::size_t loop_items, std::size_t accesses,
                                 std::uint64_t seed) {
  const std::size_t length = std::max<std::size_t>(accesses / 7, 1);
  const key_sequence friendly = recency(distance, length, seed);
  const key_sequence between = loop(loop_items, 5 * length);
  key_sequence keys = friendly;
  keys.insert(keys.end(), between.begin(), between.end());
  keys.insert(keys.end(), friendly.begin(), friendly.end());
  return keys;
}

}  // namespace lodestar::bench::hit_ratio
