// Chooses the shape of the order by experiment: one shadow cache for each candidate runs on the
// same sample of the accesses, and the one that hits more takes over.
//
// A lead must be more than luck: of two candidates only the accesses count that exactly one of them
// hit, and the challenger must have won more of those than a fair coin would (a sign test). What
// was long ago counts less.
//
// A phase of another kind has to be noticed sooner than a long history fades. So each challenger's
// gain over the present shape is summed up from its lowest point on (Page's CUSUM test, 1954); once
// it exceeds what a change may cost, all entries fetched anew, it takes over and
// the history is dropped.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <lodestar/cache/detail/region_order.hpp>
#include <lodestar/cache/detail/shadow_cache.hpp>

namespace lodestar::cache::detail {

class shape_tuner {
 public:
  /// From loops and frequency to recency. The first is where every cache begins: it is the one
  /// that a short run can least afford to find out late. The last is CLOCK. Which steps lie in
  /// between matters little.
  static constexpr std::array<order_shape, 6> candidates = {{
      {.window_share = 0.01,
       .promotion_uses = 2,
       .ghost_age_factor = 1,
       .window_goes_round = false},
      {.window_share = 0.05,
       .promotion_uses = 2,
       .ghost_age_factor = 4,
       .window_goes_round = false},
      {.window_share = 0.2, .promotion_uses = 2, .ghost_age_factor = 1, .window_goes_round = false},
      {.window_share = 0.5, .promotion_uses = 1, .ghost_age_factor = 1, .window_goes_round = false},
      {.window_share = 0.8, .promotion_uses = 1, .ghost_age_factor = 1, .window_goes_round = false},
      {.window_share = 0.99,
       .promotion_uses = uses_max + 1,
       .ghost_age_factor = 0,
       .window_goes_round = true},
  }};

  [[nodiscard]] const order_shape& shape() const noexcept { return candidates[chosen_]; }
  [[nodiscard]] std::size_t chosen() const noexcept { return chosen_; }
  /// The size of the shadows; 0 before fit().
  [[nodiscard]] std::size_t shadow_entries() const noexcept { return shadow_entries_; }

  /// Takes over what another one has chosen, until it knows better itself.
  void adopt(std::size_t chosen) noexcept {
    chosen_ = chosen;
    wins_ = {};
    gains_ = {};
  }

  /// Begins anew with shadows of this size, keeping the choice.
  void fit(std::size_t shadow_entries);
  /// An access to a key of the sample; true: another shape was chosen.
  bool record(std::uint32_t hash);

  /// What it has allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto& each : shadows_) bytes += each ? each->memory_bytes() : 0;
    return bytes;
  }

  void validate() const noexcept;

 private:
  static constexpr double memory_turns = 16;  // accesses for each entry of a shadow
  static constexpr double deviations_min = 2;
  static constexpr double lead_min = 8;           // accesses
  static constexpr double change_cost_turns = 1;  // misses for each entry
  // Luck does not become smaller with the cache: a smaller one judges by as many accesses.
  static constexpr std::size_t turn_accesses_min = 512;
  static constexpr std::size_t checks_per_turn = 16;

  using tally = std::array<double, candidates.size()>;

  [[nodiscard]] double turn_accesses() const noexcept {
    return static_cast<double>(std::max(shadow_entries_, turn_accesses_min));
  }
  void count(unsigned hits) noexcept;
  bool choose() noexcept;
  void fade() noexcept;
  /// The candidate that takes over at once, or the present one.
  [[nodiscard]] std::size_t overtaker() const noexcept;
  /// The candidate with the largest lead that is more than luck, or the present one.
  [[nodiscard]] std::size_t leader() const noexcept;

  std::array<std::unique_ptr<shadow_cache>, candidates.size()> shadows_;
  std::size_t shadow_entries_ = 0;
  std::array<tally, candidates.size()> wins_{};  // [a][b]: a hit and b missed; fading
  tally gains_{};  // over the present shape, each from its lowest point on
  std::size_t chosen_ = 0;
  std::size_t check_accesses_ = 1;
  std::size_t accesses_left_ = 1;
};

// ---------------------------------------------------------------------------------------------------------------------

inline void shape_tuner::fit(std::size_t shadow_entries) {
  for (std::size_t each = 0; each < candidates.size(); ++each) {
    shadows_[each] = std::make_unique<shadow_cache>(shadow_entries, candidates[each]);
  }
  shadow_entries_ = shadow_entries;
  wins_ = {};
  gains_ = {};
  check_accesses_ = std::max<std::size_t>(1, shadow_entries / checks_per_turn);
  accesses_left_ = check_accesses_;
}

inline bool shape_tuner::record(std::uint32_t hash) {
  unsigned hits = 0;
  for (std::size_t each = 0; each < candidates.size(); ++each) {
    if (shadows_[each]->access(hash)) hits |= 1U << each;
  }
  count(hits);
  if (--accesses_left_ != 0) return false;
  accesses_left_ = check_accesses_;
  return choose();
}

inline void shape_tuner::validate() const noexcept {
  for (const auto& each : shadows_) {
    if (each) each->validate();
  }
}

inline void shape_tuner::count(unsigned hits) noexcept {
  const unsigned all = (1U << candidates.size()) - 1;
  if (hits == 0 || hits == all) return;
  for (unsigned winners = hits; winners != 0; winners &= winners - 1) {
    tally& winner = wins_[static_cast<std::size_t>(std::countr_zero(winners))];
    for (unsigned losers = all & ~hits; losers != 0; losers &= losers - 1) {
      ++winner[static_cast<std::size_t>(std::countr_zero(losers))];
    }
  }
  const bool present_hit = ((hits >> chosen_) & 1U) != 0;
  for (std::size_t each = 0; each < candidates.size(); ++each) {
    const bool hit = ((hits >> each) & 1U) != 0;
    if (hit == present_hit) continue;
    gains_[each] = hit ? gains_[each] + 1 : std::max(0.0, gains_[each] - 1);
  }
}

inline bool shape_tuner::choose() noexcept {
  fade();
  std::size_t next = overtaker();
  if (next != chosen_) {
    wins_ = {};
  } else {
    next = leader();
  }
  if (next == chosen_) return false;
  chosen_ = next;
  gains_ = {};
  return true;
}

inline void shape_tuner::fade() noexcept {
  const double turns = static_cast<double>(check_accesses_) / turn_accesses();
  const double factor = std::exp(-turns / memory_turns);
  for (tally& each : wins_) {
    for (double& wins : each) wins *= factor;
  }
}

inline std::size_t shape_tuner::overtaker() const noexcept {
  const auto most = std::max_element(gains_.begin(), gains_.end());
  if (*most < change_cost_turns * turn_accesses()) return chosen_;
  return static_cast<std::size_t>(most - gains_.begin());
}

inline std::size_t shape_tuner::leader() const noexcept {
  std::size_t best = chosen_;
  double best_lead = 0;
  for (std::size_t each = 0; each < candidates.size(); ++each) {
    const double won = wins_[each][chosen_];
    const double lost = wins_[chosen_][each];
    const double lead = won - lost;
    if (lead < lead_min || lead < deviations_min * std::sqrt(won + lost)) continue;
    if (lead <= best_lead) continue;
    best = each;
    best_lead = lead;
  }
  return best;
}

}  // namespace lodestar::cache::detail
