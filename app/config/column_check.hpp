// What dashboards say of the columns of their queries. Only DuckDB knows those, so this needs a
// service that has prepared the queries.
#pragma once

#include <lodestar/analytics/service.hpp>

#include "config/problems.hpp"
#include "config/project.hpp"

namespace lodestar::app {

/// Names of columns that a query does not return, in tiles, links and select controls. A query that
/// cannot run is passed over: service::query_errors() says what is wrong with it.
[[nodiscard]] problems check_columns(const project& configuration,
                                     const analytics::service& service);

}  // namespace lodestar::app
