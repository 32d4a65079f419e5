// The vocabulary of the stale-while-revalidate facade: how long a value may be used, what a caller
// demands, what it gets. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include <lodestar/base/error.hpp>
#include <lodestar/swr/dependency.hpp>

namespace lodestar::swr {

inline constexpr std::int64_t duration_ms_unlimited = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t position_unlimited = std::numeric_limits<std::int64_t>::max();

enum class freshness : std::uint8_t { fresh, stale, expired };

struct lifetimes {
  std::int64_t fresh_ms = duration_ms_unlimited;  ///< Validity by dependencies alone unless set.
  std::int64_t stale_ms = 0;  ///< How long an out-of-date entry may still be served.
};

/// What a loader delivers.
template <class Value>
struct loaded {
  Value value;
  std::int64_t computed_at = 0;  ///< The position the computation saw, fixed before it began.
  std::shared_ptr<const dependency> depends_on = nullptr;  ///< Null: on nothing but time.
  std::size_t weight = 1;  ///< Of the cache's weight_max; 0 counts as 1.
};

template <class Value>
struct answer {
  Value value;
  std::int64_t computed_at = 0;
  freshness state = freshness::fresh;  ///< Never expired.
  bool hit = false;                    ///< Served from the cache, without waiting for a loader.
  bool coalesced = false;              ///< Waited for a computation that somebody else began.
  std::int64_t age_ms = 0;             ///< Since the computation began.
};

/// What the answer must be. A finite position_max asks for the past: an entry computed at exactly
/// that position counts as current whatever moved later, as no newer answer could meet the demand.
struct demand {
  std::int64_t position_min = 0;                   ///< True at this position or a later one.
  std::int64_t position_max = position_unlimited;  ///< … and computed at or before this one.
  bool allow_stale = true;
  bool bypass = false;  ///< Compute anew even when fresh; the new entry serves everybody.
};

struct statistics {
  std::uint64_t hits = 0;         ///< Fresh entries served.
  std::uint64_t stale_hits = 0;   ///< Stale entries served.
  std::uint64_t misses = 0;       ///< Calls of either kind that found no entry to serve.
  std::uint64_t loads = 0;        ///< Loaders called, background revalidations included.
  std::uint64_t load_errors = 0;  ///< Loads that ended in an error.
  std::uint64_t coalesced = 0;    ///< Calls that joined a computation somebody else began.
  std::uint64_t evictions = 0;    ///< Entries dropped to keep weight_max.
  std::uint64_t refusals = 0;     ///< Results heavier than weight_max: answered, not kept.
  std::size_t entries = 0;
  std::size_t weight = 0;
};

}  // namespace lodestar::swr
