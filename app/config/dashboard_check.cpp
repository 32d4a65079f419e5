#include "config/dashboard_check.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "config/placeholders.hpp"

namespace lodestar::app {
namespace {

using analytics::query_definition;

template <class Items>
std::vector<std::string_view> names_of(const Items& items) {
  std::vector<std::string_view> names;
  for (const auto& item : items) names.push_back(item.name);
  return names;
}

template <class Items>
auto find_named(const Items& items, std::string_view name) {
  const auto found =
      std::ranges::find_if(items, [&](const auto& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

class dashboard_checker {
 public:
  dashboard_checker(dashboard_definition& dashboard, const project& configuration, problems& found)
      : dashboard_(dashboard), configuration_(configuration), found_(found) {}

  void run() {
    for (const auto& control : dashboard_.controls) check_control(control);
    for (auto& tile : dashboard_.tiles) {
      check_first(dashboard_.tiles, tile, "id", "tile", &tile_definition::id);
      const auto* query = known_query(tile.query, tile.places.of("query"));
      if (query != nullptr) complete_tile(tile, *query);
    }
  }

 private:
  template <class Item>
  void check_first(const std::vector<Item>& items, const Item& item, std::string_view key,
                   std::string_view what, std::string Item::* name) {
    const auto& first = *std::ranges::find(items, item.*name, name);
    if (&first == &item || (item.*name).empty()) return;
    found_.add(item.places.of(key), fmt::format("{} {} is declared twice", what, item.*name),
               fmt::format("the first one is at {}", first.places.of(key)));
  }

  void check_control(const control_definition& control) {
    check_first(dashboard_.controls, control, "name", "parameter", &control_definition::name);
    if (control.options_query.empty()) return;
    const std::string& place = control.places.of("options_query");
    const auto* query = known_query(control.options_query, place);
    if (query == nullptr) return;
    for (const auto& parameter : query->parameters) {
      if (parameter.default_value) continue;
      found_.add(place,
                 fmt::format("the query {} needs the parameter {}, and an options_query gets none",
                             query->name, parameter.name),
                 fmt::format("give {} a default in {}, or choose another query", parameter.name,
                             query->file));
    }
  }

  const query_definition* known_query(const std::string& name, const std::string& place) {
    const auto* known = configuration_.find_query(name);
    if (known == nullptr && !name.empty()) {
      found_.add(place, fmt::format("unknown query {}", name),
                 suggest(name, names_of(configuration_.queries)));
    }
    return known;
  }

  void complete_tile(tile_definition& tile, const query_definition& query) {
    if (tile.title.empty()) tile.title = query.title;
    for (const auto& parameter : query.parameters) {
      if (find_named(dashboard_.controls, parameter.name) != nullptr)
        tile.parameters.try_emplace(parameter.name, fmt::format("{{{}}}", parameter.name));
      if (parameter.default_value || tile.parameters.contains(parameter.name)) continue;
      found_.add(tile.places.table,
                 fmt::format("tile {}: parameter {} of query {} is missing", tile.id,
                             parameter.name, tile.query),
                 fmt::format("add parameters = {{ {} = \"…\" }}", parameter.name));
    }
    for (const auto& [name, pattern] : tile.parameters) check_parameter(tile, query, name, pattern);
  }

  void check_parameter(const tile_definition& tile, const query_definition& query,
                       const std::string& name, const std::string& pattern) {
    const std::string& place = tile.places.of(fmt::format("parameters.{}", name));
    const auto* declared = find_named(query.parameters, name);
    if (declared == nullptr) {
      found_.add(place,
                 fmt::format("tile {}: query {} has no parameter {}", tile.id, query.name, name),
                 query.parameters.empty() ? "it takes no parameters"
                                          : suggest(name, names_of(query.parameters)));
    } else if (are_known(tile, pattern, place)) {
      check_value(tile, query, *declared, pattern, place);
    }
  }

  /// Whether each {name} of the pattern is a parameter of the page.
  bool are_known(const tile_definition& tile, std::string_view pattern, const std::string& place) {
    bool known = !has_stray_brace(pattern);
    if (!known) {
      found_.add(place,
                 fmt::format("tile {}: \"{}\" has a brace without its partner", tile.id, pattern),
                 "write a parameter of the dashboard as {name}");
    }
    for (const auto name : placeholders(pattern)) {
      if (find_named(dashboard_.controls, name) != nullptr) continue;
      known = false;
      const auto names = names_of(dashboard_.controls);
      found_.add(place,
                 fmt::format("tile {}: {{{}}} is not a parameter of the dashboard", tile.id, name),
                 names.empty() ? "declare it with [[parameter]]" : suggest(name, names));
    }
    return known;
  }

  /// A value that the first look at the page would refuse.
  void check_value(const tile_definition& tile, const query_definition& query,
                   const analytics::parameter& declared, const std::string& pattern,
                   const std::string& place) {
    bool complete = true;
    const auto names = placeholders(pattern);
    const std::string value = fill_template(pattern, [&](std::string_view name) {
      const auto& chosen = find_named(dashboard_.controls, name)->default_value;
      complete = complete && chosen.has_value();
      return chosen;
    });
    if (!complete) return;
    const auto fits = analytics::check_value(declared, value);
    if (fits) return;
    if (names.empty()) {
      found_.add(place, fmt::format("tile {}: parameter {} of query {}: {}", tile.id, declared.name,
                                    query.name, fits.error().message));
      return;
    }
    found_.add(find_named(dashboard_.controls, names.front())->places.of("default"),
               fmt::format("the default of {} does not fit the parameter {} of query {}: {}",
                           names.front(), declared.name, query.name, fits.error().message));
  }

  dashboard_definition& dashboard_;
  const project& configuration_;
  problems& found_;
};

}  // namespace

void complete_dashboard(dashboard_definition& dashboard, const project& configuration,
                        problems& found) {
  dashboard_checker(dashboard, configuration, found).run();
}

}  // namespace lodestar::app
