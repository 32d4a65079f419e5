#include "hit_ratio/regret.hpp"

#include <algorithm>

namespace lodestar::bench::hit_ratio {

std::optional<std::uint64_t> best_online(const ratio_row& row, const policy_list& policies) {
  std::optional<std::uint64_t> best;
  for (std::size_t index = 0; index < policies.size(); ++index) {
    if (policies[index]->online) best = std::max(best.value_or(0), row.hits[index]);
  }
  return best;
}

regret regret_of(std::size_t policy, std::span<const ratio_row> rows, const policy_list& policies) {
  regret found;
  if (!policies[policy]->online) return found;
  for (const ratio_row& row : rows) {
    const auto behind = static_cast<double>(*best_online(row, policies) - row.hits[policy]);
    const double points = 100 * behind / static_cast<double>(row.accesses);
    found.mean += points / static_cast<double>(rows.size());
    found.max = std::max(found.max, points);
    found.wins += behind == 0 ? 1U : 0U;
  }
  return found;
}

}  // namespace lodestar::bench::hit_ratio
