// What results depend on beside the log and their request: how events become rows, and the rows
// that are there before the first event.
#pragma once

#include <cstdint>
#include <span>

#include <lodestar/analytics/definition.hpp>
#include <lodestar/base/error.hpp>

#include "database.hpp"

namespace lodestar::analytics {

/// Another number when a table's rows, an event type or DuckDB is another. Reads every row: after
/// the tables were created and before the log is applied.
[[nodiscard]] result<std::uint64_t> fingerprint_of(const database& source,
                                                   std::span<const event_definition> events,
                                                   std::span<const table_definition> tables);

}  // namespace lodestar::analytics
