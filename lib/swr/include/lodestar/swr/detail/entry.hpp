// One stored value and the decision whether it may be served. No lock, no clock: the time is an
// argument.
//
// Thread-safety: state_for(), fallback_for() and current() may be called from any thread; the
// members about failures only under the core's mutex.
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
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/swr/backoff.hpp>
#include <lodestar/swr/tag_marks.hpp>
#include <lodestar/swr/types.hpp>
#include <lodestar/swr/write_clock.hpp>

namespace lodestar::swr::detail {

/// The checks that keep an outdated value from being served. A test switches one off and must then
/// see a failure.
struct all_checks {
  static constexpr bool dependency_moved =
      true;                                  ///< Compare moved_at() with computed_at on each read.
  static constexpr bool superseded = true;   ///< set() and remove() win over a load under way.
  static constexpr bool newest_wins = true;  ///< What is older never replaces what is newer.
  static constexpr bool tags = true;         ///< Compare the stamp with the tags' marks.
};

/// When and how an entry was made.
struct origin_of_entry {
  steady_time begun_at = {};  ///< Age counts from here.
  lifetimes keep = {};
  std::int64_t jitter_ms = 0;
  write_stamp stamp = {};
  std::vector<tag_mark_pointer> marks = {};
  std::optional<std::size_t> tier = {};  ///< Where it was found.
};

/// Now, and how much the memory is believed (core::distrust).
struct moment {
  steady_time now;
  std::uint32_t trust = 0;
};

template <class Value, class Checks>
class entry {
 public:
  entry(loaded<Value> content, origin_of_entry origin, std::uint32_t trust)
      : trust_(trust), origin_(std::move(origin)), content_(std::move(content)) {}

  [[nodiscard]] const loaded<Value>& content() const noexcept { return content_; }
  [[nodiscard]] const origin_of_entry& origin() const noexcept { return origin_; }
  [[nodiscard]] std::int64_t computed_at() const noexcept { return content_.computed_at; }
  [[nodiscard]] const write_stamp& stamp() const noexcept { return origin_.stamp; }
  [[nodiscard]] std::size_t weight() const noexcept {
    return std::max<std::size_t>(content_.weight, 1);
  }
  /// Whether it may take the other's place: it is newer (a higher position, or at the same one the
  /// later write), or it is the same and has just been read from where the truth is.
  [[nodiscard]] bool replaces(const entry& other) const noexcept {
    if (computed_at() != other.computed_at()) return computed_at() > other.computed_at();
    if (stamp() != other.stamp()) return stamp() > other.stamp();
    return trust_ != other.trust_ || is_fresh_for_longer_than(other);
  }
  /// For how long it can be of any use, from now on.
  [[nodiscard]] nanoseconds useful_for(steady_time now) const noexcept;
  /// No dependency moved after it was computed.
  [[nodiscard]] bool current() const noexcept;
  /// One of its tags was removed.
  [[nodiscard]] bool removed() const noexcept {
    return Checks::tags && origin_.stamp.time <= removed_at();
  }
  /// When one of its tags was removed last; 0: none was.
  [[nodiscard]] std::uint64_t removed_at() const noexcept;

  /// Whether a result that somebody waited for meets the demand. Time plays no part.
  [[nodiscard]] bool meets(const demand& wanted) const noexcept {
    return in_range(wanted, current());
  }
  /// Why a loader's own result does not meet the demand; nothing when it does.
  [[nodiscard]] std::optional<error> unmet(const demand& wanted) const;
  /// As what the demand allows this entry to be served from the cache, if it does.
  [[nodiscard]] std::optional<freshness> state_for(const call_options& allowed,
                                                   const demand& wanted, const moment& at) const;
  /// Whether it is fresh and nothing has to be begun, at any time up to clock::recent_lag_max after
  /// `about`. False says nothing.
  [[nodiscard]] bool is_surely_fresh(const call_options& allowed, const demand& wanted,
                                     const moment& about) const noexcept;
  [[nodiscard]] answer<Value> serve(freshness state, steady_time now) const;
  /// The answer to somebody who waited for it: given whatever happened meanwhile, and says so.
  [[nodiscard]] answer<Value> deliver(const call_options& allowed, const demand& wanted,
                                      bool coalesced, steady_time now) const;
  /// As what fail-safe allows it to be served when there is nothing newer to be had, if it does.
  [[nodiscard]] std::optional<freshness> fallback_for(const call_options& allowed,
                                                      const demand& wanted, const moment& at) const;
  /// Whether a hit of that age is to be revalidated though it is fresh.
  [[nodiscard]] bool is_due_early(const call_options& allowed, steady_time now) const noexcept;

  // After failures.
  [[nodiscard]] bool may_revalidate(steady_time now) const noexcept {
    return now >= backoff_.retry_at();
  }
  /// Why it is served though it has expired and nobody loads; null when somebody may.
  [[nodiscard]] std::shared_ptr<const error> throttled_by(steady_time now) const {
    return now < throttled_until_ ? failure_ : nullptr;
  }
  void note_failure(std::shared_ptr<const error> failure, nanoseconds throttle, steady_time now) {
    backoff_.note_failure(now);
    failure_ = std::move(failure);
    throttled_until_ = now + throttle;
  }

 private:
  /// What a call demands of the times of an entry, or those it has.
  [[nodiscard]] const lifetimes& judged_by(const call_options& allowed) const noexcept {
    return allowed.keep ? *allowed.keep : origin_.keep;
  }
  [[nodiscard]] std::int64_t fresh_ms(const call_options& allowed) const noexcept {
    const std::int64_t plain_ms = std::max<std::int64_t>(judged_by(allowed).fresh_ms, 0);
    return saturating_sum(plain_ms, origin_.jitter_ms);
  }
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
    return std::chrono::duration_cast<milliseconds>(now - origin_.begun_at).count();
  }
  // Times that were stored in milliseconds of the wall clock come back a little different.
  [[nodiscard]] bool is_fresh_for_longer_than(const entry& other) const noexcept {
    constexpr milliseconds inexact{2};
    const auto end = [](const origin_of_entry& origin) {
      constexpr std::int64_t longest_ms = nanoseconds::max().count() / 1'000'000 / 4;
      const std::int64_t fresh = saturating_sum(origin.keep.fresh_ms, origin.jitter_ms);
      return origin.begun_at + milliseconds(std::min(fresh, longest_ms));
    };
    return end(origin_) > end(other.origin_) + inexact;
  }
  /// 0 while it is fresh.
  struct judgement {
    bool is_fresh;
    std::int64_t out_of_date_ms;
  };
  [[nodiscard]] judgement judge(const call_options& allowed, bool is_current,
                                steady_time now) const noexcept;
  [[nodiscard]] std::int64_t moved_for_ms(steady_time now) const noexcept;

  static constexpr std::int64_t not_seen = std::numeric_limits<std::int64_t>::min();

  // What a hit reads lies together.
  const std::uint32_t trust_;
  const origin_of_entry origin_;
  const loaded<Value> content_;
  mutable std::atomic<std::int64_t> seen_moved_ns_{not_seen};
  backoff backoff_;
  std::shared_ptr<const error> failure_;
  steady_time throttled_until_{steady_time::min()};
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Value, class Checks>
nanoseconds entry<Value, Checks>::useful_for(steady_time now) const noexcept {
  constexpr std::int64_t longest_ms = nanoseconds::max().count() / 1'000'000 / 2;
  const lifetimes& keep = origin_.keep;
  const std::int64_t whole_ms = saturating_sum(
      saturating_sum(saturating_sum(std::max<std::int64_t>(keep.fresh_ms, 0), origin_.jitter_ms),
                     std::max<std::int64_t>(keep.stale_ms, 0)),
      std::max<std::int64_t>(keep.fail_safe_ms, 0));
  if (whole_ms >= longest_ms) return nanoseconds::max();
  return milliseconds(whole_ms) - (now - origin_.begun_at);
}

template <class Value, class Checks>
bool entry<Value, Checks>::current() const noexcept {
  if constexpr (!Checks::dependency_moved) return true;
  return content_.depends_on == nullptr || content_.depends_on->moved_at() <= content_.computed_at;
}

template <class Value, class Checks>
std::uint64_t entry<Value, Checks>::removed_at() const noexcept {
  std::uint64_t latest = 0;
  for (const tag_mark_pointer& mark : origin_.marks) latest = std::max(latest, mark->removed_at());
  return latest;
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
std::optional<freshness> entry<Value, Checks>::state_for(const call_options& allowed,
                                                         const demand& wanted,
                                                         const moment& at) const {
  // Read once: it may turn false at any moment, and both decisions below must rest on the same
  // answer.
  const bool is_current = current() && trust_ == at.trust;
  const judgement judged = judge(allowed, current_for(wanted, is_current), at.now);
  if (wanted.bypass || !in_range(wanted, is_current) || removed()) return std::nullopt;
  if (judged.is_fresh) return freshness::fresh;
  if (!wanted.allow_stale) return std::nullopt;
  if (judged.out_of_date_ms >= judged_by(allowed).stale_ms) return std::nullopt;
  return freshness::stale;
}

template <class Value, class Checks>
bool entry<Value, Checks>::is_surely_fresh(const call_options& allowed, const demand& wanted,
                                           const moment& about) const noexcept {
  if (!current() || trust_ != about.trust) return false;
  if (wanted.bypass || !in_range(wanted, true) || removed()) return false;
  return allowed.eager_refresh >= 1 &&
         age_ms(about.now + clock::recent_lag_max) < fresh_ms(allowed);
}

template <class Value, class Checks>
std::optional<freshness> entry<Value, Checks>::fallback_for(const call_options& allowed,
                                                            const demand& wanted,
                                                            const moment& at) const {
  const bool is_current = current() && trust_ == at.trust;
  if (wanted.bypass || !wanted.allow_stale) return std::nullopt;
  if (!in_range(wanted, is_current) || removed()) return std::nullopt;
  const judgement judged = judge(allowed, current_for(wanted, is_current), at.now);
  if (judged.is_fresh) return freshness::fresh;
  const lifetimes& keep = judged_by(allowed);
  if (judged.out_of_date_ms < keep.stale_ms) return freshness::stale;
  if (judged.out_of_date_ms < saturating_sum(keep.stale_ms, keep.fail_safe_ms))
    return freshness::expired;
  return std::nullopt;
}

template <class Value, class Checks>
answer<Value> entry<Value, Checks>::serve(freshness state, steady_time now) const {
  return {.value = content_.value,
          .computed_at = content_.computed_at,
          .state = state,
          .hit = true,
          .coalesced = false,
          .age_ms = std::max<std::int64_t>(age_ms(now), 0),
          .tier = {},
          .failure = nullptr};
}

template <class Value, class Checks>
answer<Value> entry<Value, Checks>::deliver(const call_options& allowed, const demand& wanted,
                                            bool coalesced, steady_time now) const {
  const bool young = age_ms(now) < fresh_ms(allowed);
  const bool fresh = young && current_for(wanted, current());
  answer<Value> given = serve(fresh ? freshness::fresh : freshness::stale, now);
  given.hit = false;
  given.coalesced = coalesced;
  return given;
}

template <class Value, class Checks>
bool entry<Value, Checks>::is_due_early(const call_options& allowed,
                                        steady_time now) const noexcept {
  if (allowed.eager_refresh >= 1) return false;
  const std::int64_t fresh = fresh_ms(allowed);
  if (fresh == duration_ms_unlimited) return false;
  return static_cast<double>(age_ms(now)) >= static_cast<double>(fresh) * allowed.eager_refresh;
}

template <class Value, class Checks>
auto entry<Value, Checks>::judge(const call_options& allowed, bool is_current,
                                 steady_time now) const noexcept -> judgement {
  const std::int64_t age = age_ms(now);
  const std::int64_t fresh = fresh_ms(allowed);
  const bool young = age < fresh;
  if (young && is_current) return {.is_fresh = true, .out_of_date_ms = 0};
  const std::int64_t too_old_for_ms = young ? 0 : age - fresh;
  return {.is_fresh = false,
          .out_of_date_ms = std::max(too_old_for_ms, is_current ? 0 : moved_for_ms(now))};
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
