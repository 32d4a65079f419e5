#include "config/project.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "config/query_file.hpp"
#include "config/text.hpp"
#include "config/toml_file.hpp"

namespace lodestar::app {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t demo_speed_max = 1'000'000;

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

template <class Choices, class Value>
void read_choice(toml_table& table, std::string_view key, const Choices& choices, Value& into) {
  const auto text = table.text(key);
  if (!text) return;
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) {
    if (name == *text) {
      into = value;
      return;
    }
    names.push_back(name);
  }
  table.problem(key, fmt::format("unknown {} \"{}\"", key, *text), suggest(*text, names));
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

void check_identifier(toml_table& table, std::string_view key, const std::string& value) {
  if (value.empty() || is_identifier(value)) return;
  table.problem(key, fmt::format("{} \"{}\" is not a plain name", key, value),
                "use letters, digits and _, beginning with a letter");
}

/// The files of a sub-folder with an extension, in order of name.
std::vector<fs::path> files_of(const fs::path& folder, std::string_view extension,
                               problems& found) {
  std::vector<fs::path> files;
  std::error_code status;
  for (fs::directory_iterator entry(folder, status), end; !status && entry != end;
       entry.increment(status)) {
    if (entry->path().extension() == extension) files.push_back(entry->path());
  }
  if (status && fs::exists(folder)) {
    found.add(folder.filename().string() + "/",
              fmt::format("cannot be read: {}", status.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

class project_reader {
 public:
  project_reader(project& made, const setting_flags& flags, problems& found)
      : made_(made), flags_(flags), found_(found) {}

  void read() {
    if (!read_main_file()) return;
    for (const auto& file : files_of(made_.folder / "events", ".toml", found_)) read_event(file);
    for (const auto& file : files_of(made_.folder / "queries", ".sql", found_)) read_query(file);
    for (const auto& file : files_of(made_.folder / "dashboards", ".toml", found_))
      read_dashboard(file);
    if (made_.events.empty()) {
      found_.add("events/", "no event type is declared",
                 "add events/NAME.toml, see docs/reference/project.md");
    }
    check_unique();
    check_dashboards();
  }

 private:
  bool read_main_file() {
    std::error_code status;
    if (!fs::is_directory(made_.folder, status)) {
      found_.add(made_.folder.string(), "is not a folder", "name a project folder with --project");
      return false;
    }
    auto file = toml_file::read(made_.folder / "lodestar.toml", "lodestar.toml", found_);
    if (!file) return false;
    auto root = file->root();
    auto about = root.table("project");
    made_.name = about.required_text("name");
    made_.title = about.text("title").value_or(made_.name);
    made_.home = about.text("home").value_or("");
    about.finish();
    made_.settings = read_settings(root, flags_, found_);
    read_tables(root);
    read_demo(root);
    root.finish();
    return true;
  }

  void read_tables(toml_table& root) {
    auto tables = root.table("table");
    for (const auto& name : tables.keys()) {
      auto table = tables.table(name);
      if (!is_identifier(name))
        tables.problem(name, fmt::format("table name \"{}\" is not a plain name", name));
      made_.tables.push_back({name, table.required_text("sql"), table.place("sql")});
      table.finish();
    }
  }

  void read_demo(toml_table& root) {
    auto demo = root.table("demo");
    if (!root.has("demo")) return;
    made_.demo.emplace();
    made_.demo->events_sql = demo.required_text("events_sql");
    made_.demo->speed = demo.integer("speed").value_or(made_.demo->speed);
    if (made_.demo->speed < 1 || made_.demo->speed > demo_speed_max) {
      demo.problem("speed", fmt::format("demo.speed must be from 1 to {}", demo_speed_max));
    }
    demo.finish();
  }

  void read_event(const fs::path& path) {
    auto file = toml_file::read(path, "events/" + path.filename().string(), found_);
    if (!file) return;
    auto root = file->root();
    analytics::event_definition event;
    event.file = "events/" + path.filename().string();
    event.event_type = root.required_text("event_type");
    event.aggregate_type = root.required_text("aggregate_type");
    event.table = root.required_text("table");
    event.key_column = root.required_text("key_column");
    event.history_sql = root.text("history_sql").value_or("");
    check_identifier(root, "table", event.table);
    check_identifier(root, "key_column", event.key_column);
    for (auto& table : root.tables("field")) event.fields.push_back(read_field(table));
    check_fields(root, event);
    root.finish();
    made_.events.push_back(std::move(event));
  }

  analytics::field read_field(toml_table& table) {
    analytics::field field;
    field.name = table.required_text("name");
    check_identifier(table, "name", field.name);
    const std::string type = table.required_text("type");
    if (const auto parsed = analytics::parse_value_type(type)) {
      field.type = *parsed;
    } else if (!type.empty()) {
      table.problem("type", fmt::format("unknown type \"{}\"", type),
                    suggest(type, {"boolean", "integer", "number", "text", "timestamp", "date"}));
    }
    field.required = table.boolean("required").value_or(true);
    table.finish();
    return field;
  }

  static void check_fields(toml_table& root, const analytics::event_definition& event) {
    std::set<std::string_view> names = {"position", "recorded_at", event.key_column};
    if (event.key_column == "position" || event.key_column == "recorded_at") {
      root.problem("key_column",
                   fmt::format("{} is a column of every event table", event.key_column),
                   "choose another name");
    }
    for (const auto& field : event.fields) {
      if (!names.insert(field.name).second) {
        root.problem("field", fmt::format("column {} exists already", field.name),
                     "position, recorded_at and the key column are columns of every event table");
      }
    }
  }

  void read_query(const fs::path& path) {
    const std::string name = path.stem().string();
    const std::string file = "queries/" + path.filename().string();
    const auto content = read_file(path, file);
    if (!content) {
      found_.add(content.error());
      return;
    }
    if (!is_identifier(name))
      found_.add(file, fmt::format("query name \"{}\" is not a plain name", name));
    made_.queries.push_back(parse_query_file(name, file, *content, found_));
  }

  void read_dashboard(const fs::path& path) {
    dashboard_definition dashboard;
    dashboard.file = "dashboards/" + path.filename().string();
    dashboard.name = path.stem().string();
    auto file = toml_file::read(path, dashboard.file, found_);
    if (!file) return;
    auto root = file->root();
    if (!is_identifier(dashboard.name)) {
      found_.add(dashboard.file,
                 fmt::format("dashboard name \"{}\" is not a plain name", dashboard.name));
    }
    dashboard.title = root.required_text("title");
    dashboard.description = root.text("description").value_or("");
    for (auto& table : root.tables("parameter")) dashboard.controls.push_back(read_control(table));
    for (auto& table : root.tables("tile")) dashboard.tiles.push_back(read_tile(table));
    if (dashboard.tiles.empty()) found_.add(dashboard.file, "has no tile", "add a [[tile]]");
    root.finish();
    made_.dashboards.push_back(std::move(dashboard));
  }

  static control_definition read_control(toml_table& table) {
    control_definition control;
    control.name = table.required_text("name");
    check_identifier(table, "name", control.name);
    control.label = table.text("label").value_or(control.name);
    read_choice(table, "control", control_kinds, control.is_select);
    control.options_query = table.text("options_query").value_or("");
    control.default_value = table.text("default");
    if (control.is_select && control.options_query.empty()) {
      table.problem("control", "a select needs an options_query", "add options_query = \"…\"");
    }
    table.finish();
    return control;
  }

  static tile_definition read_tile(toml_table& table) {
    tile_definition tile;
    tile.id = table.required_text("id");
    if (!tile.id.empty() && !is_tile_id(tile.id)) {
      table.problem("id",
                    fmt::format("id \"{}\" holds other characters than a-z, 0-9 and -", tile.id));
    }
    tile.query = table.required_text("query");
    tile.title = table.text("title").value_or("");
    tile.link = table.text("link").value_or("");
    read_choice(table, "chart", chart_kinds, tile.chart);
    const bool large = tile.chart == chart_kind::map || tile.chart == chart_kind::table;
    tile.size = table.text("size").value_or(large ? "2x2" : "1x1");
    if (!is_tile_size(tile.size))
      table.problem("size", fmt::format("size \"{}\" is not one of 1x1 to 4x3", tile.size));
    auto parameters = table.table("parameters");
    for (const auto& name : parameters.keys())
      tile.parameters.emplace(name, parameters.text(name).value_or(""));
    read_formats(table, tile.formats);
    read_units(table, tile.units);
    read_columns(table, tile);
    table.finish();
    return tile;
  }

  static void read_formats(toml_table& table, per_column<value_format>& formats) {
    if (!table.is_table("format")) return read_choice(table, "format", value_formats, formats.all);
    auto by_name = table.table("format");
    for (const auto& column : by_name.keys())
      read_choice(by_name, column, value_formats, formats.by_name[column]);
  }

  static void read_units(toml_table& table, per_column<std::string>& units) {
    if (!table.is_table("unit")) {
      units.all = table.text("unit").value_or("");
      return;
    }
    auto by_name = table.table("unit");
    for (const auto& column : by_name.keys())
      units.by_name[column] = by_name.text(column).value_or("");
  }

  static void read_columns(toml_table& table, tile_definition& tile) {
    using member = std::pair<std::string_view, std::string tile_definition::*>;
    constexpr std::array texts = {member{"x", &tile_definition::x},
                                  member{"value", &tile_definition::value},
                                  member{"previous", &tile_definition::previous},
                                  member{"trend", &tile_definition::trend},
                                  member{"longitude", &tile_definition::longitude},
                                  member{"latitude", &tile_definition::latitude},
                                  member{"name", &tile_definition::name},
                                  member{"area", &tile_definition::area},
                                  member{"color", &tile_definition::color},
                                  member{"bar", &tile_definition::bar}};
    for (const auto& [key, into] : texts) tile.*into = table.text(key).value_or("");
    tile.y = table.texts("y");
    tile.columns = table.texts("columns");
    tile.color_min = table.number("color_min");
    tile.color_max = table.number("color_max");
    tile.baseline = table.number("baseline");
    tile.horizontal = table.boolean("horizontal").value_or(false);
    read_choice(table, "better", directions, tile.better);
    if (tile.chart == chart_kind::kpi && tile.value.empty())
      table.problem("chart", "a kpi needs a value", "add value = \"COLUMN\"");
  }

  template <class Items, class Name>
  void check_names(const Items& items, Name name, std::string_view what) {
    std::set<std::string, std::less<>> names;
    for (const auto& item : items) {
      if (!names.insert(name(item)).second)
        found_.add(item.file, fmt::format("{} {} is declared twice", what, name(item)));
    }
  }

  void check_unique() {
    check_names(made_.events, [](const auto& event) { return event.event_type; }, "event type");
    std::set<std::string, std::less<>> names;
    for (const auto& event : made_.events) {
      if (!names.insert(event.table).second)
        found_.add(event.file, fmt::format("table {} is declared twice", event.table));
    }
    for (const auto& table : made_.tables) {
      if (!names.insert(table.name).second)
        found_.add(table.file, fmt::format("table {} is declared twice", table.name));
    }
  }

  void check_dashboards() {
    if (made_.home.empty() && !made_.dashboards.empty()) made_.home = made_.dashboards.front().name;
    if (!made_.home.empty() && made_.find_dashboard(made_.home) == nullptr) {
      std::vector<std::string_view> names;
      for (const auto& dashboard : made_.dashboards) names.push_back(dashboard.name);
      found_.add("lodestar.toml",
                 fmt::format("project.home names the unknown dashboard {}", made_.home),
                 suggest(made_.home, names));
    }
    // The order of the navigation.
    std::ranges::stable_partition(
        made_.dashboards, [this](const auto& dashboard) { return dashboard.name == made_.home; });
    for (auto& dashboard : made_.dashboards) {
      std::set<std::string, std::less<>> ids;
      for (const auto& control : dashboard.controls) {
        if (!control.options_query.empty()) (void)known_query(dashboard, control.options_query);
      }
      for (auto& tile : dashboard.tiles) {
        if (!ids.insert(tile.id).second)
          found_.add(dashboard.file, fmt::format("tile {} is declared twice", tile.id));
        if (const auto* query = known_query(dashboard, tile.query))
          complete_tile(dashboard, tile, *query);
      }
    }
  }

  const analytics::query_definition* known_query(const dashboard_definition& dashboard,
                                                 const std::string& query) {
    const auto* known = made_.find_query(query);
    if (known == nullptr && !query.empty()) {
      std::vector<std::string_view> names;
      for (const auto& candidate : made_.queries) names.push_back(candidate.name);
      found_.add(dashboard.file, fmt::format("unknown query {}", query), suggest(query, names));
    }
    return known;
  }

  /// Gives the tile what it left to its query and its page, and checks its parameters.
  void complete_tile(const dashboard_definition& dashboard, tile_definition& tile,
                     const analytics::query_definition& query) {
    if (tile.title.empty()) tile.title = query.title;
    for (const auto& parameter : query.parameters) {
      const bool on_page =
          std::any_of(dashboard.controls.begin(), dashboard.controls.end(),
                      [&](const auto& control) { return control.name == parameter.name; });
      if (on_page) tile.parameters.try_emplace(parameter.name, "{" + parameter.name + "}");
      if (!parameter.default_value && !tile.parameters.contains(parameter.name)) {
        found_.add(dashboard.file,
                   fmt::format("tile {}: parameter {} of query {} is missing", tile.id,
                               parameter.name, tile.query),
                   fmt::format("add parameters = {{ {} = \"…\" }}", parameter.name));
      }
    }
    for (const auto& [name, value] : tile.parameters) {
      const auto known = std::any_of(query.parameters.begin(), query.parameters.end(),
                                     [&](const auto& parameter) { return parameter.name == name; });
      if (!known) {
        found_.add(dashboard.file,
                   fmt::format("tile {}: query {} has no parameter {}", tile.id, tile.query, name));
      }
    }
  }

  project& made_;
  const setting_flags& flags_;
  problems& found_;
};

}  // namespace

std::string_view to_string(chart_kind kind) noexcept {
  return name_of(chart_kinds, kind);
}

std::string_view to_string(value_format format) noexcept {
  return name_of(value_formats, format);
}

const dashboard_definition* project::find_dashboard(std::string_view wanted) const noexcept {
  const auto found = std::find_if(dashboards.begin(), dashboards.end(),
                                  [&](const auto& item) { return item.name == wanted; });
  return found == dashboards.end() ? nullptr : &*found;
}

const analytics::query_definition* project::find_query(std::string_view wanted) const noexcept {
  const auto found = std::find_if(queries.begin(), queries.end(),
                                  [&](const auto& item) { return item.name == wanted; });
  return found == queries.end() ? nullptr : &*found;
}

project load_project(const std::filesystem::path& folder, const setting_flags& flags,
                     problems& found) {
  project made;
  made.folder = folder;
  project_reader(made, flags, found).read();
  return made;
}

}  // namespace lodestar::app
