// What a cache may hold, as far as its one caller can know: which values a key may have, whether it
// must be there, and between which moments it expires. The cache may evict whatever it likes, but
// says how often it did.
//
// It knows less than the cache does on purpose: nothing of its order, its wheel or its index.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/clock.hpp>
#include <lodestar/cache/options.hpp>

namespace lodestar::cache {

/// When an entry expires: not before `alive_until`, and `dead_from` at the latest. Nanoseconds.
struct lifespan {
  static constexpr std::int64_t endless = std::numeric_limits<std::int64_t>::max();
  /// What the cache's microseconds may add to a time or take from it.
  static constexpr std::int64_t rounding_ns = 2'000;

  std::int64_t alive_until = endless;
  std::int64_t dead_from = endless;

  [[nodiscard]] static lifespan lasting(std::int64_t now_ns, nanoseconds for_time) {
    if (for_time == never) return {};
    if (for_time <= nanoseconds::zero()) return {now_ns, now_ns};
    // Longer than the cache counts is as long as it counts, which no test waits for.
    const std::int64_t most = endless / 4;
    const std::int64_t end = now_ns + std::min<std::int64_t>(for_time.count(), most);
    return {end - rounding_ns, end + rounding_ns};
  }
  /// Whichever of the two it is.
  [[nodiscard]] friend lifespan either(const lifespan& one, const lifespan& other) {
    return {std::min(one.alive_until, other.alive_until), std::max(one.dead_from, other.dead_from)};
  }
  [[nodiscard]] friend lifespan earlier(const lifespan& one, const lifespan& other) {
    return {std::min(one.alive_until, other.alive_until), std::min(one.dead_from, other.dead_from)};
  }
};

class cache_reference {
 public:
  static constexpr std::size_t keys = 16;
  /// How much later than it expires an entry may be removed.
  static constexpr std::int64_t removal_lag_ns = 17'000'000;

  [[nodiscard]] bool may_hold(std::size_t key, std::int64_t now_ns) const {
    return !at(key).values.empty() && now_ns < at(key).lives.dead_from;
  }
  /// Whether it may have this value, in time or not.
  [[nodiscard]] bool knows(std::size_t key, std::int64_t value) const {
    return std::ranges::find(at(key).values, value) != at(key).values.end();
  }
  [[nodiscard]] const lifespan& lives(std::size_t key) const { return at(key).lives; }
  /// Moves with every write and removal: what was begun before must not be stored after.
  [[nodiscard]] std::uint64_t version(std::size_t key) const { return at(key).version; }
  /// How often an entry was missed that must have been there: it was evicted.
  [[nodiscard]] std::uint64_t losses() const noexcept { return losses_; }

  /// How many entries can be left when everything that has expired was removed.
  [[nodiscard]] std::size_t alive_at_most(std::int64_t now_ns) const {
    return static_cast<std::size_t>(std::ranges::count_if(expected_, [now_ns](const auto& each) {
      return now_ns < each.lives.dead_from || now_ns - each.lives.dead_from < removal_lag_ns;
    }));
  }

  void saw(std::size_t key, std::int64_t value, std::int64_t now_ns) {
    LODESTAR_ASSERT(may_hold(key, now_ns) && knows(key, value),
                    "a value is one that was stored, and in time");
    at(key).values.assign(1, value);
    at(key).sure = true;
  }
  void saw_present(std::size_t key, std::int64_t now_ns) {
    LODESTAR_ASSERT(may_hold(key, now_ns), "what is present was stored");
    at(key).sure = true;
  }
  void saw_absent(std::size_t key, std::int64_t now_ns, bool pinned) {
    expectation& missed = at(key);
    if (missed.sure && now_ns < missed.lives.alive_until) {
      LODESTAR_ASSERT(!pinned, "what is pinned is not evicted");
      ++losses_;
    }
    left(key);
  }
  /// Evicted or expired, as the cache itself says.
  void left(std::size_t key) {
    at(key).values.clear();
    at(key).sure = false;
  }

  void wrote(std::size_t key, std::int64_t value, const lifespan& lives) {
    expectation& written = at(key);
    written = {.values = {value}, .sure = true, .lives = lives, .version = written.version + 1};
  }
  /// A refresh: when the old entry was there, it has the new value now.
  void may_have_written(std::size_t key, std::int64_t value, const lifespan& lives) {
    expectation& written = at(key);
    if (written.values.empty()) written.lives = lives;
    written.lives = either(written.lives, lives);
    written.values.push_back(value);
    written.sure = false;
  }
  /// What is being loaded is out of date.
  void overtook(std::size_t key) { ++at(key).version; }
  void removed(std::size_t key) {
    left(key);
    at(key).lives = {0, 0};
    overtook(key);
  }
  void set_lives(std::size_t key, const lifespan& lives) { at(key).lives = lives; }

 private:
  struct expectation {
    std::vector<std::int64_t> values;  // one of these
    bool sure = false;                 // unless it was evicted
    lifespan lives{0, 0};
    std::uint64_t version = 0;
  };

  [[nodiscard]] expectation& at(std::size_t key) { return expected_.at(key); }
  [[nodiscard]] const expectation& at(std::size_t key) const { return expected_.at(key); }

  std::array<expectation, keys> expected_;
  std::uint64_t losses_ = 0;
};

}  // namespace lodestar::cache
