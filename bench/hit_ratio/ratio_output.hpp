// The measured rows as text: a table for people, CSV for programs.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "hit_ratio/replay.hpp"

namespace lodestar::bench::hit_ratio {

/// A line for each row, a column for each policy, the best online policies of a row marked with
/// `*`; below, how far each policy stays behind them.
[[nodiscard]] std::string format_table(std::span<const ratio_row> rows,
                                       const policy_list& policies);

inline constexpr std::string_view csv_header = "trace,policy,capacity,hit_percent\n";

/// A line for each policy.
[[nodiscard]] std::string format_csv(const ratio_row& row, const policy_list& policies);

}  // namespace lodestar::bench::hit_ratio
