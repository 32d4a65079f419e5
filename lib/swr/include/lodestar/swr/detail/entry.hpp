// One stored value and the decision whether it may be served. No lock, no clock: the time is an
// argument.
//
// Thread-safety: serve() and current() may be called from any thread; the back-off members only
// under the core's mutex.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/swr/backoff.hpp>
#include <lodestar/swr/types.hpp>

namespace lodestar::swr::detail {

/// The checks that keep an outdated value from being served. A test switches one off and must then
/// see a failure.
struct all_checks {
  static constexpr bool dependency_moved =
      true;                                  ///< Compare moved_at() with computed_at on each read.
  static constexpr bool superseded = true;   ///< set() and remove() win over a load under way.
  static constexpr bool newest_wins = true;  ///< An older computed_at never replaces a newer one.
};

template <class Value, class Checks>
class entry {
 public:
  entry(loaded<Value> content, steady_time begun_at)
      : content_(std::move(content)), begun_at_(begun_at) {}

  [[nodiscard]] std::int64_t computed_at() const noexcept { return content_.computed_at; }
  [[nodiscard]] std::size_t weight() const noexcept {
    return std::max<std::size_t>(content_.weight, 1);
  }
  /// No dependency moved after it was computed.
  [[nodiscard]] bool current() const noexcept;

  /// Whether a result that somebody waited for meets the demand. Time plays no part.
  [[nodiscard]] bool meets(const demand& wanted) const noexcept {
    return in_range(wanted, current());
  }
  /// Why a loader's own result does not meet the demand; nothing when it does.
  [[nodiscard]] std::optional<error> unmet(const demand& wanted) const;
  /// The answer when the demand allows this entry to be served from the cache.
  [[nodiscard]] std::optional<answer<Value>> serve(const lifetimes& allowed, const demand& wanted,
                                                   steady_time now) const;
  /// The answer to somebody who waited for it: given whatever happened meanwhile, and says so.
  [[nodiscard]] answer<Value> deliver(const lifetimes& allowed, const demand& wanted,
                                      bool coalesced, steady_time now) const;

  // Back-off of background revalidations that fail.
  [[nodiscard]] bool may_revalidate(steady_time now) const noexcept {
    return now >= backoff_.retry_at();
  }
  void note_failure(steady_time now) noexcept { backoff_.note_failure(now); }

 private:
  // An entry computed at the demanded maximum is the best answer there can be: what moved later is
  // out of its scope.
  [[nodiscard]] bool current_for(const demand& wanted, bool is_current) const noexcept {
    return is_current || content_.computed_at == wanted.position_max;
  }
  [[nodiscard]] bool in_range(const demand& wanted, bool is_current) const noexcept {
    return content_.computed_at <= wanted.position_max &&
           (is_current || content_.computed_at >= wanted.position_min);
  }
  [[nodiscard]] std::int64_t age_ms(steady_time now) const noexcept {
    return std::chrono::duration_cast<milliseconds>(now - begun_at_).count();
  }
  [[nodiscard]] freshness judge(const lifetimes& allowed, bool is_current,
                                steady_time now) const noexcept;
  [[nodiscard]] std::int64_t moved_for_ms(steady_time now) const noexcept;

  static constexpr std::int64_t not_seen = std::numeric_limits<std::int64_t>::min();

  const loaded<Value> content_;
  const steady_time begun_at_;
  mutable std::atomic<std::int64_t> seen_moved_ns_{not_seen};
  backoff backoff_;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Value, class Checks>
bool entry<Value, Checks>::current() const noexcept {
  if constexpr (!Checks::dependency_moved) return true;
  return content_.depends_on == nullptr || content_.depends_on->moved_at() <= content_.computed_at;
}

template <class Value, class Checks>
std::optional<error> entry<Value, Checks>::unmet(const demand& wanted) const {
  if (in_range(wanted, current())) return std::nullopt;
  const bool too_new = content_.computed_at > wanted.position_max;
  return error{.code = too_new ? error_code::unsupported : error_code::unavailable,
               .message = "the computation saw position " + std::to_string(content_.computed_at) +
                          " but " + (too_new ? "at most " : "at least ") +
                          std::to_string(too_new ? wanted.position_max : wanted.position_min) +
                          " was demanded",
               .place = {},
               .hint = {}};
}

template <class Value, class Checks>
std::optional<answer<Value>> entry<Value, Checks>::serve(const lifetimes& allowed,
                                                         const demand& wanted,
                                                         steady_time now) const {
  // Read once: it may turn false at any moment, and both decisions below must rest on the same
  // answer.
  const bool is_current = current();
  const freshness state = judge(allowed, current_for(wanted, is_current), now);
  if (wanted.bypass || !in_range(wanted, is_current)) return std::nullopt;
  if (state == freshness::expired) return std::nullopt;
  if (state == freshness::stale && !wanted.allow_stale) return std::nullopt;
  return answer<Value>{.value = content_.value,
                       .computed_at = content_.computed_at,
                       .state = state,
                       .hit = true,
                       .coalesced = false,
                       .age_ms = age_ms(now)};
}

template <class Value, class Checks>
answer<Value> entry<Value, Checks>::deliver(const lifetimes& allowed, const demand& wanted,
                                            bool coalesced, steady_time now) const {
  const bool young = age_ms(now) < allowed.fresh_ms;
  const bool fresh = young && current_for(wanted, current());
  return {.value = content_.value,
          .computed_at = content_.computed_at,
          .state = fresh ? freshness::fresh : freshness::stale,
          .hit = false,
          .coalesced = coalesced,
          .age_ms = age_ms(now)};
}

template <class Value, class Checks>
freshness entry<Value, Checks>::judge(const lifetimes& allowed, bool is_current,
                                      steady_time now) const noexcept {
  const std::int64_t age = age_ms(now);
  const bool young = age < allowed.fresh_ms;
  if (young && is_current) return freshness::fresh;
  const std::int64_t too_old_for_ms = young ? 0 : age - std::max<std::int64_t>(allowed.fresh_ms, 0);
  const std::int64_t out_of_date_ms = std::max(too_old_for_ms, is_current ? 0 : moved_for_ms(now));
  return out_of_date_ms < allowed.stale_ms ? freshness::stale : freshness::expired;
}

template <class Value, class Checks>
std::int64_t entry<Value, Checks>::moved_for_ms(steady_time now) const noexcept {
  const std::int64_t now_ns =
      std::chrono::duration_cast<nanoseconds>(now.time_since_epoch()).count();
  std::int64_t seen = seen_moved_ns_.load(std::memory_order_relaxed);
  if (seen == not_seen &&
      seen_moved_ns_.compare_exchange_strong(seen, now_ns, std::memory_order_relaxed)) {
    return 0;
  }
  // Another thread may have looked at the clock a little later and marked first.
  return std::max<std::int64_t>(now_ns - seen, 0) / 1'000'000;
}

}  // namespace lodestar::swr::detail
