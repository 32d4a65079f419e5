// Reads dashboards/NAME.toml. What its keys mean: docs/reference/project.md.
#pragma once

#include <filesystem>
#include <optional>

#include "config/problems.hpp"
#include "config/project.hpp"

namespace lodestar::app {

/// What is wrong goes to `found`; nothing when the file cannot be read. Names of queries and of
/// other files' parameters are not looked up yet.
[[nodiscard]] std::optional<dashboard_definition> read_dashboard_file(
    const std::filesystem::path& path, problems& found);

}  // namespace lodestar::app
