// A project folder, read and checked: configuration as code.
//
//   lodestar.toml        settings, tables, demo
//   events/*.toml        event types
//   queries/*.sql        named queries
//   dashboards/*.toml    pages of tiles
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <lodestar/analytics/definition.hpp>

#include "config/problems.hpp"
#include "config/settings.hpp"
#include "config/source_places.hpp"

namespace lodestar::app {

enum class chart_kind : std::uint8_t { kpi, bar, line, area, histogram, map, table };

/// "kpi", "bar" … as in dashboard files and in the page.
[[nodiscard]] std::string_view to_string(chart_kind kind) noexcept;

/// How a value is written for people; by_type follows the column's type.
enum class value_format : std::uint8_t {
  by_type,
  integer,
  decimal,
  percent,
  minutes,
  datetime,
  date,
  time,
  text
};

/// "integer", "decimal" …; empty for by_type.
[[nodiscard]] std::string_view to_string(value_format format) noexcept;

/// A setting for all columns of a tile, or for some by name.
template <class Value>
struct per_column {
  Value all{};
  std::map<std::string, Value, std::less<>> by_name;

  [[nodiscard]] const Value& of(std::string_view column) const {
    const auto found = by_name.find(column);
    return found == by_name.end() ? all : found->second;
  }
};

/// Where a difference to the previous value is good news.
enum class better_direction : std::uint8_t { none, up, down };

/// One tile. What a key means for which chart: docs/reference/project.md. Texts that name columns
/// are empty when absent.
struct tile_definition {
  std::string id;
  std::string title;
  std::string query;
  chart_kind chart = chart_kind::table;
  std::string size;
  std::map<std::string, std::string, std::less<>>
      parameters;  ///< Query parameter → text with {page parameter}.
  per_column<value_format> formats;
  per_column<std::string> units;
  std::string link;  ///< With {column} or {page parameter}.
  std::string x;
  std::vector<std::string> y;
  std::string value, previous, trend;                ///< kpi
  better_direction better = better_direction::none;  ///< kpi
  std::string longitude, latitude, name, area;       ///< map
  std::string color;                                 ///< map, bar
  std::optional<double> color_min, color_max, baseline;
  bool horizontal = false;           ///< bar
  std::vector<std::string> columns;  ///< table
  std::string bar;                   ///< table
  source_places places;
};

struct control_definition {
  std::string name;
  std::string label;
  bool is_select = false;
  std::string options_query;                 ///< Columns value and, optionally, label.
  std::optional<std::string> default_value;  ///< None: the page must be asked with it.
  source_places places;
};

struct dashboard_definition {
  std::string name;
  std::string title;
  std::string description;
  std::vector<control_definition> controls;
  std::vector<tile_definition> tiles;
  std::string file;
};

struct demo_definition {
  std::int64_t speed = 600;
  std::string events_sql;  ///< SELECT event_id, aggregate_type, aggregate_id, event_type,
                           ///< event_time, payload in replay order.
  std::string place;       ///< Of events_sql, for messages.
};

struct project {
  std::filesystem::path folder;
  std::string name;
  std::string title;
  std::string home;  ///< The dashboard that / shows.
  effective_settings settings;
  std::vector<analytics::event_definition> events;
  std::vector<analytics::table_definition> tables;
  std::vector<analytics::query_definition> queries;
  std::vector<dashboard_definition> dashboards;
  std::optional<demo_definition> demo;

  [[nodiscard]] const dashboard_definition* find_dashboard(std::string_view name) const noexcept;
  [[nodiscard]] const analytics::query_definition* find_query(std::string_view name) const noexcept;
};

/// Reads and cross-checks the folder. What is wrong goes to `found`; the project is usable when
/// that stays empty.
[[nodiscard]] project load_project(const std::filesystem::path& folder, const setting_flags& flags,
                                   problems& found);

}  // namespace lodestar::app
