// What dashboards and queries say of one another.
#pragma once

#include "config/problems.hpp"
#include "config/project.hpp"

namespace lodestar::app {

/// Gives each tile what it left to its query and its page, and checks names, parameters and the
/// values that are known beforehand.
void complete_dashboard(dashboard_definition& dashboard, const project& configuration,
                        problems& found);

}  // namespace lodestar::app
