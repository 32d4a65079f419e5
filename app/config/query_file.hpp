// Reads queries/NAME.sql: a header of `-- key: value` lines, then one SELECT.
//
//   -- title: Flights of the last 24 hours
//   -- parameter: airport text = ATL        name, type, and a default when it has one; repeatable
//   -- depends_on: events/Airport/{airport}/**   repeatable; or all, or none; all when absent
//   -- fresh_ms: 60000                       younger is fresh; unlimited when absent
//   -- stale_ms: 5000                        how long an out-of-date result may be served; 0 when
//   absent
//   -- deadline_ms: 10000
//   SELECT …
#pragma once

#include <string>
#include <string_view>

#include <lodestar/analytics/definition.hpp>

#include "config/problems.hpp"

namespace lodestar::app {

/// `file` is how messages call it ("queries/kpi.sql"). What is wrong goes to `found`.
[[nodiscard]] analytics::query_definition parse_query_file(std::string name, std::string file,
                                                           std::string_view content,
                                                           problems& found);

}  // namespace lodestar::app
