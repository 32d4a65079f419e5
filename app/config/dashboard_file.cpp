#include "config/dashboard_file.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/chart_keys.hpp"
#include "config/placeholders.hpp"
#include "config/reserved_names.hpp"
#include "config/text.hpp"
#include "config/toml_file.hpp"

namespace lodestar::app {
namespace {

template <class Value>
struct choice {
  std::string_view name;
  Value value;
};

constexpr std::array chart_kinds = {choice{"kpi", chart_kind::kpi},
                                    choice{"bar", chart_kind::bar},
                                    choice{"line", chart_kind::line},
                                    choice{"area", chart_kind::area},
                                    choice{"histogram", chart_kind::histogram},
                                    choice{"map", chart_kind::map},
                                    choice{"table", chart_kind::table}};
constexpr std::array value_formats = {
    choice{"integer", value_format::integer},   choice{"decimal", value_format::decimal},
    choice{"percent", value_format::percent},   choice{"minutes", value_format::minutes},
    choice{"datetime", value_format::datetime}, choice{"date", value_format::date},
    choice{"time", value_format::time},         choice{"text", value_format::text}};
constexpr std::array directions = {choice{"none", better_direction::none},
                                   choice{"up", better_direction::up},
                                   choice{"down", better_direction::down}};
constexpr std::array control_kinds = {choice{"text", false}, choice{"select", true}};

template <class Choices, class Value>
std::string_view name_of(const Choices& choices, Value value) noexcept {
  for (const auto& candidate : choices) {
    if (candidate.value == value) return candidate.name;
  }
  return {};
}

/// Leaves `into` as it is when the key is absent. Whether the file says nothing wrong.
template <class Choices, class Value>
bool read_choice(toml_table& table, std::string_view key, const Choices& choices, Value& into) {
  const auto text = table.text(key);
  if (!text) return !table.has(key);
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) {
    if (name == *text) {
      into = value;
      return true;
    }
    names.push_back(name);
  }
  table.problem(key, fmt::format("unknown {} \"{}\"", key, *text), suggest(*text, names));
  return false;
}

/// A tile's id: lower-case letters, digits and dashes.
bool is_tile_id(std::string_view text) {
  return !text.empty() && text.size() <= 63 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

/// "1x1" … "4x3".
bool is_tile_size(std::string_view text) {
  return text.size() == 3 && text[0] >= '1' && text[0] <= '4' && text[1] == 'x' && text[2] >= '1' &&
         text[2] <= '3';
}

/// A list of columns reaches the page separated by blanks.
bool has_blank(std::string_view text) {
  return text.find_first_of(" \t\r\n") != std::string_view::npos;
}

control_definition read_control(toml_table& table) {
  control_definition control;
  control.places = table.places();
  control.name = table.identifier("name");
  if (control.name == reserved::signals) {
    table.problem("name", fmt::format("the parameter name {} is reserved", control.name),
                  "the page's own script sends a parameter of that name: choose another one");
  }
  control.label = table.text("label").value_or(control.name);
  const bool known = read_choice(table, "control", control_kinds, control.is_select);
  control.options_query = table.text("options_query").value_or("");
  control.default_value = table.text("default");
  if (control.is_select && control.options_query.empty()) {
    table.problem("control", "a select needs an options_query", "add options_query = \"…\"");
  }
  if (known && !control.is_select && table.has("options_query")) {
    table.problem("options_query", "a text control has no options_query",
                  "add control = \"select\"");
  }
  table.finish();
  return control;
}

void read_formats(toml_table& table, per_column<value_format>& formats) {
  if (!table.is_table("format")) {
    (void)read_choice(table, "format", value_formats, formats.all);
    return;
  }
  auto by_name = table.table("format");
  for (const auto& column : by_name.keys())
    (void)read_choice(by_name, column, value_formats, formats.by_name[column]);
}

void read_units(toml_table& table, per_column<std::string>& units) {
  if (!table.is_table("unit")) {
    units.all = table.text("unit").value_or("");
    return;
  }
  auto by_name = table.table("unit");
  for (const auto& column : by_name.keys())
    units.by_name[column] = by_name.text(column).value_or("");
}

/// One rule for tables and charts: a path of this server, so that no value can lead elsewhere.
void read_link(toml_table& table, tile_definition& tile) {
  tile.link = table.text("link").value_or("");
  if (has_stray_brace(tile.link)) {
    table.problem("link", fmt::format("link \"{}\" has a brace without its partner", tile.link),
                  "write a column or a parameter as {name}");
  }
  if (tile.link.empty() || (tile.link.starts_with('/') && !tile.link.starts_with("//"))) return;
  table.problem("link", fmt::format("link \"{}\" is not a path of this server", tile.link),
                "begin it with one /, for example /d/airport?airport={code}");
}

void read_columns(toml_table& table, tile_definition& tile) {
  for (const auto& key : chart_keys()) {
    if (key.column == nullptr) continue;
    tile.*key.column = table.text(key.name).value_or("");
  }
  tile.y = table.texts("y");
  tile.columns = table.texts("columns");
  for (const auto& column : tile.y) {
    if (!has_blank(column)) continue;
    table.problem("y", fmt::format("the column name \"{}\" of y has a blank", column),
                  "name the column without blanks in the query: … AS on_time");
  }
  tile.color_min = table.number("color_min");
  tile.color_max = table.number("color_max");
  tile.baseline = table.number("baseline");
  tile.horizontal = table.boolean("horizontal").value_or(false);
  (void)read_choice(table, "better", directions, tile.better);
}

std::string keys_of(chart_kind kind) {
  std::vector<std::string_view> names;
  for (const auto& key : chart_keys()) {
    if (contains(key.charts, kind)) names.push_back(key.name);
  }
  return fmt::format("it has {}", fmt::join(names, ", "));
}

void check_chart_keys(toml_table& table, const tile_definition& tile) {
  const auto chart = to_string(tile.chart);
  for (const auto& key : chart_keys()) {
    if (table.has(key.name) && !contains(key.charts, tile.chart)) {
      table.problem(key.name, fmt::format("chart \"{}\" has no key {}", chart, key.name),
                    keys_of(tile.chart));
    }
    const bool empty = key.column == nullptr ? tile.y.empty() : (tile.*key.column).empty();
    if (empty && contains(key.required_by, tile.chart)) {
      table.problem("chart", fmt::format("chart \"{}\" needs the key {}", chart, key.name),
                    fmt::format("add {} = \"COLUMN\"", key.name));
    }
  }
}

tile_definition read_tile(toml_table& table) {
  tile_definition tile;
  tile.places = table.places();
  tile.id = table.required_text("id");
  if (!tile.id.empty() && !is_tile_id(tile.id)) {
    table.problem(
        "id",
        fmt::format("id \"{}\" is longer than 63 characters or holds others than a-z, 0-9 and -",
                    tile.id));
  }
  tile.query = table.required_text("query");
  tile.title = table.text("title").value_or("");
  const bool known_chart = read_choice(table, "chart", chart_kinds, tile.chart);
  const bool large = tile.chart == chart_kind::map || tile.chart == chart_kind::table;
  tile.size = table.text("size").value_or(large ? "2x2" : "1x1");
  if (!is_tile_size(tile.size))
    table.problem("size", fmt::format("size \"{}\" is not one of 1x1 to 4x3", tile.size));
  auto parameters = table.table("parameters");
  for (const auto& name : parameters.keys())
    tile.parameters.emplace(name, parameters.text(name).value_or(""));
  read_formats(table, tile.formats);
  read_units(table, tile.units);
  read_link(table, tile);
  read_columns(table, tile);
  if (known_chart) check_chart_keys(table, tile);
  table.finish();
  return tile;
}

}  // namespace

std::string_view to_string(chart_kind kind) noexcept {
  return name_of(chart_kinds, kind);
}

std::string_view to_string(value_format format) noexcept {
  return name_of(value_formats, format);
}

std::optional<dashboard_definition> read_dashboard_file(const std::filesystem::path& path,
                                                        problems& found) {
  dashboard_definition dashboard;
  dashboard.file = fmt::format("dashboards/{}", path.filename().string());
  dashboard.name = path.stem().string();
  auto file = toml_file::read(path, dashboard.file, found);
  if (!file) return std::nullopt;
  auto root = file->root();
  if (!is_identifier(dashboard.name)) {
    found.add(dashboard.file,
              fmt::format("dashboard name \"{}\" is not a plain name", dashboard.name),
              plain_name_hint);
  }
  dashboard.title = root.required_text("title");
  dashboard.description = root.text("description").value_or("");
  for (auto& table : root.tables("parameter")) dashboard.controls.push_back(read_control(table));
  for (auto& table : root.tables("tile")) dashboard.tiles.push_back(read_tile(table));
  if (dashboard.tiles.empty()) found.add(dashboard.file, "has no tile", "add a [[tile]]");
  root.finish();
  return dashboard;
}

}  // namespace lodestar::app
