#include "config/column_check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/chart_keys.hpp"
#include "config/placeholders.hpp"

namespace lodestar::app {
namespace {

/// The checks of one tile against the columns that its query returns.
class tile_checker {
 public:
  tile_checker(const dashboard_definition& dashboard, const tile_definition& tile,
               const std::vector<std::string>& columns, problems& found)
      : dashboard_(dashboard),
        tile_(tile),
        columns_(columns.begin(), columns.end()),
        found_(found) {}

  void run() {
    for (const auto& [key, column] : columns_used(tile_)) check(tile_.places.of(key), column);
    check_keys_of("format", tile_.formats.by_name);
    check_keys_of("unit", tile_.units.by_name);
    for (const auto name : placeholders(tile_.link)) check_link(name);
  }

 private:
  [[nodiscard]] bool returns(std::string_view column) const {
    return std::ranges::find(columns_, column) != columns_.end();
  }

  void check(const std::string& place, std::string_view column) {
    if (returns(column)) return;
    found_.add(place,
               fmt::format("tile {}: the query {} has no column {}", tile_.id, tile_.query, column),
               suggest(column, columns_));
  }

  template <class Settings>
  void check_keys_of(std::string_view key, const Settings& by_name) {
    for (const auto& [column, value] : by_name)
      check(tile_.places.of(fmt::format("{}.{}", key, column)), column);
  }

  void check_link(std::string_view name) {
    auto known = columns_;
    for (const auto& control : dashboard_.controls) known.push_back(control.name);
    if (std::ranges::find(known, name) != known.end()) return;
    found_.add(tile_.places.of("link"),
               fmt::format("tile {}: {{{}}} is neither a column of the query {} nor a parameter of "
                           "the dashboard",
                           tile_.id, name, tile_.query),
               suggest(name, known));
  }

  const dashboard_definition& dashboard_;
  const tile_definition& tile_;
  std::vector<std::string_view> columns_;
  problems& found_;
};

void check_options(const control_definition& control, const std::vector<std::string>& columns,
                   problems& found) {
  if (std::ranges::find(columns, "value") != columns.end()) return;
  found.add(control.places.of("options_query"),
            fmt::format("the query {} has no column value", control.options_query),
            "an options_query returns the column value and, optionally, label");
}

}  // namespace

problems check_columns(const project& configuration, const analytics::service& service) {
  problems found;
  for (const auto& dashboard : configuration.dashboards) {
    for (const auto& control : dashboard.controls) {
      if (const auto columns = service.columns_of(control.options_query))
        check_options(control, *columns, found);
    }
    for (const auto& tile : dashboard.tiles) {
      if (const auto columns = service.columns_of(tile.query))
        tile_checker(dashboard, tile, *columns, found).run();
    }
  }
  return found;
}

}  // namespace lodestar::app
