#include "config/project.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <lodestar/base/ascii.hpp>
#include <lodestar/log/event.hpp>

#include "config/dashboard_check.hpp"
#include "config/dashboard_file.hpp"
#include "config/query_file.hpp"
#include "config/text.hpp"
#include "config/toml_file.hpp"

namespace lodestar::app {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t demo_speed_max = 1'000'000;

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
    for (const auto& file : files_of(made_.folder / "dashboards", ".toml", found_)) {
      if (auto read = read_dashboard_file(file, found_))
        made_.dashboards.push_back(std::move(*read));
    }
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
    home_place_ = about.place("home");
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
        tables.problem(name, fmt::format("table name \"{}\" is not a plain name", name),
                       plain_name_hint);
      made_.tables.push_back({name, table.required_text("sql"), table.place("sql")});
      table.finish();
    }
  }

  void read_demo(toml_table& root) {
    auto demo = root.table("demo");
    if (!root.has("demo")) return;
    made_.demo.emplace();
    made_.demo->events_sql = demo.required_text("events_sql");
    made_.demo->place = demo.place("events_sql");
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
    event.event_type = printable_name(root, "event_type");
    event.aggregate_type = printable_name(root, "aggregate_type");
    event.table = root.identifier("table");
    event.key_column = root.identifier("key_column");
    event.history_sql = root.text("history_sql").value_or("");
    event.history_place = root.place("history_sql");
    std::set<std::string> columns;
    check_column(root, "key_column", event.key_column, columns);
    for (auto& table : root.tables("field")) {
      event.fields.push_back(read_field(table));
      check_column(table, "name", event.fields.back().name, columns);
    }
    root.finish();
    made_.events.push_back(std::move(event));
    event_places_.push_back(root.places());
  }

  analytics::field read_field(toml_table& table) {
    analytics::field field;
    field.name = table.identifier("name");
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

  /// Names of columns are told apart without regard to case, as DuckDB does.
  static void check_column(toml_table& table, std::string_view key, const std::string& name,
                           std::set<std::string>& taken) {
    const std::string lower = to_ascii_lower(name);
    const bool in_every_table = lower == "position" || lower == "recorded_at";
    if (name.empty() || (!in_every_table && taken.insert(lower).second)) return;
    table.problem(key, fmt::format("column {} exists already", name),
                  in_every_table ? "position and recorded_at are columns of every event table"
                                 : "choose another name: the table has a column of this one");
  }

  /// A type is free text, but it is shown in messages, keys and metrics.
  static std::string printable_name(toml_table& table, std::string_view key) {
    std::string name = table.required_text(key);
    if (std::ranges::any_of(name, is_ascii_control)) {
      table.problem(key, fmt::format("{} holds a control character", key),
                    "write it as one word, for example FlightDeparted");
    }
    if (name.size() > log::name_bytes_max) {
      table.problem(key, fmt::format("{} has {} bytes, the limit is {}", key, name.size(),
                                     log::name_bytes_max));
    }
    return name;
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
      found_.add(file, fmt::format("query name \"{}\" is not a plain name", name), plain_name_hint);
    made_.queries.push_back(parse_query_file(name, file, *content, found_));
  }

  /// DuckDB tells names of tables apart without regard to case.
  void check_unique() {
    std::map<std::string, std::string, std::less<>> event_types, tables;
    for (std::size_t index = 0; index < made_.events.size(); ++index) {
      const auto& [event, places] = std::tie(made_.events[index], event_places_[index]);
      take(event_types, event.event_type, "event type", event.event_type, places.of("event_type"));
      take(tables, to_ascii_lower(event.table), "table", event.table, places.of("table"));
    }
    for (const auto& table : made_.tables)
      take(tables, to_ascii_lower(table.name), "table", table.name, table.file);
  }

  /// `taken` holds where each name was declared first.
  void take(std::map<std::string, std::string, std::less<>>& taken, const std::string& key,
            std::string_view what, std::string_view name, const std::string& place) {
    if (key.empty()) return;
    const auto [first, is_new] = taken.emplace(key, place);
    if (is_new) return;
    found_.add(place, fmt::format("{} {} is declared twice", what, name),
               fmt::format("the first one is at {}", first->second));
  }

  void check_dashboards() {
    if (made_.home.empty() && !made_.dashboards.empty()) made_.home = made_.dashboards.front().name;
    if (!made_.home.empty() && made_.find_dashboard(made_.home) == nullptr) {
      std::vector<std::string_view> names;
      for (const auto& dashboard : made_.dashboards) names.push_back(dashboard.name);
      found_.add(home_place_,
                 fmt::format("project.home names the unknown dashboard {}", made_.home),
                 names.empty() ? "there is no dashboards/*.toml" : suggest(made_.home, names));
    }
    // The order of the navigation.
    std::ranges::stable_partition(
        made_.dashboards, [this](const auto& dashboard) { return dashboard.name == made_.home; });
    for (auto& dashboard : made_.dashboards) complete_dashboard(dashboard, made_, found_);
  }

  project& made_;
  const setting_flags& flags_;
  problems& found_;
  std::string home_place_;
  std::vector<source_places> event_places_;  // as made_.events
};

}  // namespace

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
