// The vocabulary of the stale-while-revalidate facade: how long a value may be used, what a caller
// demands, what it gets. Plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/base/error.hpp>
#include <lodestar/swr/dependency.hpp>
#include <lodestar/swr/detail/time.hpp>

namespace lodestar::swr {

inline constexpr std::int64_t duration_ms_unlimited = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t position_unlimited = std::numeric_limits<std::int64_t>::max();

/// `expired` is served by fail-safe only, when nothing newer could be had.
enum class freshness : std::uint8_t { fresh, stale, expired };

/// The phases of an entry, one behind the other, each as long as it says.
struct lifetimes {
  std::int64_t fresh_ms = duration_ms_unlimited;  ///< Validity by dependencies alone unless set.
  std::int64_t stale_ms = 0;      ///< How long an out-of-date entry may still be served.
  std::int64_t fail_safe_ms = 0;  ///< How long after that, while its computation fails.
  friend bool operator==(const lifetimes&, const lifetimes&) = default;
};

/// Some of the places where entries are kept: memory and the tiers below it.
class tier_set {
 public:
  static constexpr std::size_t tiers_max = 8;
  constexpr tier_set() = default;
  [[nodiscard]] static constexpr tier_set memory() { return tier_set(1); }
  /// The tier of that index, from 0; below tiers_max.
  [[nodiscard]] static constexpr tier_set tier(std::size_t index) {
    return tier_set(static_cast<std::uint16_t>(2U << index));
  }
  [[nodiscard]] static constexpr tier_set all_tiers() { return tier_set(0x1FE); }
  [[nodiscard]] constexpr bool has_memory() const noexcept { return (bits_ & 1U) != 0; }
  [[nodiscard]] constexpr bool has_tier(std::size_t index) const noexcept {
    return ((bits_ >> (index + 1)) & 1U) != 0;
  }
  friend constexpr tier_set operator|(tier_set left, tier_set right) {
    return tier_set(static_cast<std::uint16_t>(left.bits_ | right.bits_));
  }
  friend bool operator==(tier_set, tier_set) = default;

 private:
  explicit constexpr tier_set(std::uint16_t bits) : bits_(bits) {}
  std::uint16_t bits_ = 0;
};

/// What a loader delivers.
template <class Value>
struct loaded {
  Value value;
  std::int64_t computed_at = 0;  ///< The position the computation saw, fixed before it began.
  std::shared_ptr<const dependency> depends_on = nullptr;  ///< Null: on nothing but time.
  /// Of the cache's weight_max; 0 asks its weigher, and counts as 1 where there is none.
  std::size_t weight = 0;
  std::optional<lifetimes> keep = {};  ///< Instead of the call's.
  std::vector<std::string> tags = {};  ///< What remove_by_tag() knows it by.
};

template <class Value>
struct answer {
  Value value;
  std::int64_t computed_at = 0;
  freshness state = freshness::fresh;  ///< Expired only with a failure.
  bool hit = false;                    ///< Served from the cache, without waiting for a loader.
  bool coalesced = false;              ///< Waited for a computation that somebody else began.
  /// Since the computation began; of a hit, some milliseconds less where the system's clocks are as
  /// they mostly are (clock::recent).
  std::int64_t age_ms = 0;
  std::optional<std::size_t> tier = {};  ///< Which tier had it; nothing: memory, or computed.
  /// Fail-safe: why there is nothing newer. Null otherwise.
  std::shared_ptr<const error> failure = nullptr;
};

/// What the answer must be. A finite position_max asks for the past: an entry computed at exactly
/// that position counts as current whatever moved later, as no newer answer could meet the demand.
struct demand {
  std::int64_t position_min = 0;                   ///< True at this position or a later one.
  std::int64_t position_max = position_unlimited;  ///< … and computed at or before this one.
  bool allow_stale = true;  ///< Without it fail-safe is not for this caller either.
  bool bypass = false;      ///< Compute anew even when fresh; the new entry serves everybody.
};

/// How one call is to be treated.
struct call_options {
  /// Judge and store by these; otherwise entries are judged by those that they were stored with,
  /// and new ones get the cache's.
  std::optional<lifetimes> keep = {};
  /// In the tiers, by index, where they differ.
  std::array<std::optional<lifetimes>, tier_set::tiers_max> keep_in_tiers = {};
  std::int64_t jitter_ms = 0;  ///< At most so much longer fresh, at random.
  /// Whoever has waited so long gets what fail-safe has; the computation goes on.
  std::int64_t soft_timeout_ms = duration_ms_unlimited;
  /// Whoever has waited so long gets that, or deadline_exceeded; the computation goes on.
  std::int64_t hard_timeout_ms = duration_ms_unlimited;
  /// A hit that has used up this share of its fresh time starts a revalidation; 1 and more: none.
  double eager_refresh = 1;
  tier_set skip_read = {};
  tier_set skip_write = {};
};

struct statistics {
  std::uint64_t hits = 0;             ///< Fresh entries served.
  std::uint64_t stale_hits = 0;       ///< Stale entries served.
  std::uint64_t misses = 0;           ///< Calls of either kind that found no entry to serve.
  std::uint64_t tier_hits = 0;        ///< Of the misses, those that a tier answered.
  std::uint64_t loads = 0;            ///< Loaders called, background revalidations included.
  std::uint64_t load_errors = 0;      ///< Loads that ended in an error.
  std::uint64_t coalesced = 0;        ///< Calls that joined a computation somebody else began.
  std::uint64_t fail_safe = 0;        ///< Answers with an expired entry because of a failure.
  std::uint64_t timeouts = 0;         ///< Callers who were answered before their computation ended.
  std::uint64_t eager_refreshes = 0;  ///< Revalidations of entries that were still fresh.
  std::uint64_t superseded = 0;       ///< Results not kept because something newer came meanwhile.
  std::uint64_t evictions = 0;        ///< Entries dropped to keep weight_max.
  std::uint64_t refusals = 0;         ///< Results heavier than weight_max: answered, not kept.
  std::size_t entries = 0;
  std::size_t weight = 0;
};

}  // namespace lodestar::swr
