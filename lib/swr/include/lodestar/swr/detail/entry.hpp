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
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/inline.hpp>
#include <lodestar/cache/counted_entry.hpp>
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

/// How an entry was made.
struct origin_of_entry {
  lifetimes keep = {};
  std::int64_t jitter_ms = 0;
  write_stamp stamp = {};
  std::vector<tag_mark_pointer> marks = {};  ///< Of the tags, in their order.
  std::optional<std::uint8_t> tier = {};     ///< Where it was found.
  /// Stored as the cache's own options say: it can be written into the tiers again.
  bool is_plain = true;
};

/// Now, and how much the memory is believed (core::distrust).
struct moment {
  steady_time now;
  std::uint32_t trust = 0;
};

template <class Key, class Value, class Checks>
class entry final : public ::lodestar::cache::counted_entry<entry<Key, Value, Checks>, Key> {
 public:
  /// `begun`: age counts from there.
  entry(Key key, loaded<Value> content, origin_of_entry origin, const moment& begun)
      : ::lodestar::cache::counted_entry<entry, Key>(std::move(key)),
        trust_(begun.trust),
        begun_at_(begun.now),
        surely_fresh_until_(surely_fresh_until(origin.keep, origin.jitter_ms)),
        bonds_(content.depends_on || !origin.marks.empty()
                   ? std::make_unique<const bonds>(std::move(content.depends_on),
                                                   std::move(content.tags), std::move(origin.marks))
                   : nullptr),
        computed_at_(content.computed_at),
        value_(std::move(content.value)),
        weight_(std::max<std::size_t>(content.weight, 1)),
        keep_(origin.keep),
        jitter_ms_(origin.jitter_ms),
        stamp_(origin.stamp),
        tier_(origin.tier),
        is_plain_(origin.is_plain) {}

  [[nodiscard]] const Value& value() const noexcept { return value_; }
  [[nodiscard]] std::int64_t computed_at() const noexcept { return computed_at_; }
  [[nodiscard]] steady_time begun_at() const noexcept { return begun_at_; }
  [[nodiscard]] const lifetimes& keep() const noexcept { return keep_; }
  [[nodiscard]] std::int64_t jitter_ms() const noexcept { return jitter_ms_; }
  [[nodiscard]] const write_stamp& stamp() const noexcept { return stamp_; }
  [[nodiscard]] std::optional<std::uint8_t> tier() const noexcept { return tier_; }
  [[nodiscard]] std::size_t weight() const noexcept { return weight_; }
  [[nodiscard]] bool is_plain() const noexcept { return is_plain_; }
  /// Null: on nothing but time.
  [[nodiscard]] const dependency* depends_on() const noexcept {
    return bonds_ ? bonds_->depends_on.get() : nullptr;
  }
  [[nodiscard]] std::span<const std::string> tags() const noexcept {
    return bonds_ ? std::span(bonds_->tags) : std::span<const std::string>();
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
    return Checks::tags && stamp_.time <= removed_at();
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
  /// What serve() returns as fresh, made where it is to lie: Place is an optional of an answer, or
  /// one of a result of one, and `first` its std::in_place.
  template <class Place, class... First>
  [[nodiscard]] Place serve_fresh(steady_time now, First... first) const {
    return Place(first..., value_, computed_at_, freshness::fresh, true, false, shown_age_ms(now),
                 std::nullopt, nullptr);
  }
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
    return !failures_ || now >= failures_->pause.retry_at();
  }
  /// Why it is served though it has expired and nobody loads; null when somebody may.
  [[nodiscard]] std::shared_ptr<const error> throttled_by(steady_time now) const {
    return failures_ && now < failures_->throttled_until ? failures_->last : nullptr;
  }
  void note_failure(std::shared_ptr<const error> failure, steady_time throttled_until,
                    steady_time now) {
    if (!failures_) failures_ = std::make_unique<failures>();
    failures_->pause.note_failure(now);
    failures_->last = std::move(failure);
    failures_->throttled_until = throttled_until;
  }

 private:
  /// What may end it before its time.
  struct bonds {
    std::shared_ptr<const dependency> depends_on;
    std::vector<std::string> tags;
    std::vector<tag_mark_pointer> marks;
  };
  struct failures {
    backoff pause;
    std::shared_ptr<const error> last;
    steady_time throttled_until{steady_time::min()};
  };

  /// What a call demands of the times of an entry, or those it has.
  [[nodiscard]] const lifetimes& judged_by(const call_options& allowed) const noexcept {
    return allowed.keep ? *allowed.keep : keep_;
  }
  [[nodiscard]] std::int64_t fresh_ms(const call_options& allowed) const noexcept {
    const std::int64_t plain_ms = std::max<std::int64_t>(judged_by(allowed).fresh_ms, 0);
    return saturating_sum(plain_ms, jitter_ms_);
  }
  // An entry computed at the demanded maximum is the best answer there can be: what moved later is
  // out of its scope.
  [[nodiscard]] bool current_for(const demand& wanted, bool is_current) const noexcept {
    return is_current || computed_at_ == wanted.position_max;
  }
  [[nodiscard]] bool in_range(const demand& wanted, bool is_current) const noexcept {
    return computed_at_ <= wanted.position_max &&
           (is_current || computed_at_ >= wanted.position_min);
  }
  [[nodiscard]] std::int64_t age_ms(steady_time now) const noexcept {
    return std::chrono::duration_cast<milliseconds>(now - begun_at_).count();
  }
  [[nodiscard]] std::int64_t shown_age_ms(steady_time now) const noexcept {
    return std::max<std::int64_t>(age_ms(now), 0);
  }
  /// Whoever looks at clock::recent() before that time sees an entry that is fresh, if nothing but
  /// time is to be looked at.
  [[nodiscard]] steady_time surely_fresh_until(const lifetimes& keep,
                                               std::int64_t jitter_ms) const noexcept {
    const steady_time end = fresh_until(keep, jitter_ms);
    return end == steady_time::max() ? end : end - clock::recent_lag_max;
  }
  [[nodiscard]] steady_time fresh_until(const lifetimes& keep,
                                        std::int64_t jitter_ms) const noexcept {
    constexpr std::int64_t longest_ms = nanoseconds::max().count() / 1'000'000 / 4;
    const std::int64_t fresh_ms =
        saturating_sum(std::max<std::int64_t>(keep.fresh_ms, 0), jitter_ms);
    return fresh_ms > longest_ms ? steady_time::max() : begun_at_ + milliseconds(fresh_ms);
  }
  // Times that were stored in milliseconds of the wall clock come back a little different.
  [[nodiscard]] bool is_fresh_for_longer_than(const entry& other) const noexcept {
    constexpr milliseconds inexact{2};
    const auto end = [](const entry& of) { return of.fresh_until(of.keep_, of.jitter_ms_); };
    const steady_time others = end(other);
    return others != steady_time::max() && end(*this) > others + inexact;
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

  // What a hit reads lies together, behind the key; what most entries do not have lies elsewhere: a
  // cache of small values spends its time on fetching them from memory.
  const std::uint32_t trust_;
  const steady_time begun_at_;
  const steady_time surely_fresh_until_;
  const std::unique_ptr<const bonds> bonds_;
  const std::int64_t computed_at_;
  const Value value_;
  const std::size_t weight_;
  const lifetimes keep_;
  const std::int64_t jitter_ms_;
  const write_stamp stamp_;
  mutable std::atomic<std::int64_t> seen_moved_ns_{not_seen};
  std::unique_ptr<failures> failures_;
  const std::optional<std::uint8_t> tier_;
  const bool is_plain_;
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Key, class Value, class Checks>
nanoseconds entry<Key, Value, Checks>::useful_for(steady_time now) const noexcept {
  constexpr std::int64_t longest_ms = nanoseconds::max().count() / 1'000'000 / 2;
  const lifetimes& keep = keep_;
  const std::int64_t whole_ms = saturating_sum(
      saturating_sum(saturating_sum(std::max<std::int64_t>(keep.fresh_ms, 0), jitter_ms_),
                     std::max<std::int64_t>(keep.stale_ms, 0)),
      std::max<std::int64_t>(keep.fail_safe_ms, 0));
  if (whole_ms >= longest_ms) return nanoseconds::max();
  return milliseconds(whole_ms) - (now - begun_at_);
}

template <class Key, class Value, class Checks>
bool entry<Key, Value, Checks>::current() const noexcept {
  if constexpr (!Checks::dependency_moved) return true;
  return depends_on() == nullptr || depends_on()->moved_at() <= computed_at_;
}

template <class Key, class Value, class Checks>
std::uint64_t entry<Key, Value, Checks>::removed_at() const noexcept {
  std::uint64_t latest = 0;
  if (!bonds_) return latest;
  for (const tag_mark_pointer& mark : bonds_->marks) latest = std::max(latest, mark->removed_at());
  return latest;
}

template <class Key, class Value, class Checks>
std::optional<error> entry<Key, Value, Checks>::unmet(const demand& wanted) const {
  if (in_range(wanted, current())) return std::nullopt;
  const bool too_new = computed_at_ > wanted.position_max;
  return error{.code = too_new ? error_code::unsupported : error_code::unavailable,
               .message = "the computation saw position " + std::to_string(computed_at_) + " but " +
                          (too_new ? "at most " : "at least ") +
                          std::to_string(too_new ? wanted.position_max : wanted.position_min) +
                          " was demanded",
               .place = {},
               .hint = {}};
}

template <class Key, class Value, class Checks>
std::optional<freshness> entry<Key, Value, Checks>::state_for(const call_options& allowed,
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

template <class Key, class Value, class Checks>
LODESTAR_ALWAYS_INLINE inline bool entry<Key, Value, Checks>::is_surely_fresh(
    const call_options& allowed, const demand& wanted, const moment& about) const noexcept {
  if (trust_ != about.trust || wanted.bypass || !in_range(wanted, true)) return false;
  if (bonds_ && (!current() || removed())) return false;
  if (allowed.eager_refresh < 1) return false;
  return about.now <
         (allowed.keep ? surely_fresh_until(*allowed.keep, jitter_ms_) : surely_fresh_until_);
}

template <class Key, class Value, class Checks>
std::optional<freshness> entry<Key, Value, Checks>::fallback_for(const call_options& allowed,
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

template <class Key, class Value, class Checks>
answer<Value> entry<Key, Value, Checks>::serve(freshness state, steady_time now) const {
  return {.value = value_,
          .computed_at = computed_at_,
          .state = state,
          .hit = true,
          .coalesced = false,
          .age_ms = shown_age_ms(now),
          .tier = {},
          .failure = nullptr};
}

template <class Key, class Value, class Checks>
answer<Value> entry<Key, Value, Checks>::deliver(const call_options& allowed, const demand& wanted,
                                                 bool coalesced, steady_time now) const {
  const bool young = age_ms(now) < fresh_ms(allowed);
  const bool fresh = young && current_for(wanted, current());
  answer<Value> given = serve(fresh ? freshness::fresh : freshness::stale, now);
  given.hit = false;
  given.coalesced = coalesced;
  return given;
}

template <class Key, class Value, class Checks>
bool entry<Key, Value, Checks>::is_due_early(const call_options& allowed,
                                             steady_time now) const noexcept {
  if (allowed.eager_refresh >= 1) return false;
  const std::int64_t fresh = fresh_ms(allowed);
  if (fresh == duration_ms_unlimited) return false;
  return static_cast<double>(age_ms(now)) >= static_cast<double>(fresh) * allowed.eager_refresh;
}

template <class Key, class Value, class Checks>
auto entry<Key, Value, Checks>::judge(const call_options& allowed, bool is_current,
                                      steady_time now) const noexcept -> judgement {
  const std::int64_t age = age_ms(now);
  const std::int64_t fresh = fresh_ms(allowed);
  const bool young = age < fresh;
  if (young && is_current) return {.is_fresh = true, .out_of_date_ms = 0};
  const std::int64_t too_old_for_ms = young ? 0 : age - fresh;
  return {.is_fresh = false,
          .out_of_date_ms = std::max(too_old_for_ms, is_current ? 0 : moved_for_ms(now))};
}

template <class Key, class Value, class Checks>
std::int64_t entry<Key, Value, Checks>::moved_for_ms(steady_time now) const noexcept {
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
