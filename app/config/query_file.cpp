#include "config/query_file.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <lodestar/keyexpr/key_expression.hpp>

#include "config/placeholders.hpp"
#include "config/reserved_names.hpp"
#include "config/text.hpp"

namespace lodestar::app {
namespace {

constexpr std::int64_t duration_ms_max = 366LL * 24 * 3600 * 1000;

bool is_known_parameter(const analytics::query_definition& query, std::string_view name) {
  for (const auto& parameter : query.parameters) {
    if (parameter.name == name) return true;
  }
  return false;
}

class header_reader {
 public:
  header_reader(analytics::query_definition& query, problems& found)
      : query_(query), found_(found) {}

  void read(std::string_view key, std::string_view value, int line) {
    place_ = fmt::format("{}:{}", query_.file, line);
    if (key == "title") {
      query_.title = value;
    } else if (key == "parameter") {
      read_parameter(value);
    } else if (key == "depends_on") {
      read_dependency(value);
    } else if (key == "fresh_ms") {
      read_duration(value, query_.lifetimes.fresh_ms);
    } else if (key == "stale_ms") {
      read_duration(value, query_.lifetimes.stale_ms);
    } else if (key == "deadline_ms") {
      read_duration(value, query_.deadline_ms);
    } else {
      found_.add(place_, fmt::format("unknown header key {}", key),
                 suggest(key, {"title", "parameter", "depends_on", "fresh_ms", "stale_ms",
                               "deadline_ms"}));
    }
  }

  /// When the whole header has been read: a parameter may stand below the dependency that names it.
  void check_dependencies() {
    for (const auto& [expression, place] : dependencies_) {
      if (expression == "all" || expression == "none") continue;
      place_ = place;
      const std::string sample = with_sample_values(expression);
      if (sample.empty()) continue;
      if (const auto parsed = keyexpr::key_expression::parse(sample); !parsed) {
        found_.add(place, fmt::format("depends_on {}: {}", expression, parsed.error().message),
                   "write for example events/Airport/{airport}/**");
      }
    }
  }

 private:
  void read_parameter(std::string_view value) {
    analytics::parameter made;
    if (const auto equals = value.find('='); equals != std::string_view::npos) {
      made.default_value = trim(value.substr(equals + 1));
      value = trim(value.substr(0, equals));
    }
    const auto blank = value.find(' ');
    made.name = trim(value.substr(0, blank));
    const std::string_view type = blank == std::string_view::npos ? "" : trim(value.substr(blank));
    const auto parsed = analytics::parse_value_type(type);
    if (made.name.empty() || !parsed) {
      found_.add(
          place_,
          "a parameter needs a name and a type: boolean, integer, number, text, timestamp or date",
          "write -- parameter: airport text = ATL");
      return;
    }
    made.type = *parsed;
    check_name(made.name);
    if (made.default_value) check_default(made);
    query_.parameters.push_back(std::move(made));
  }

  void check_name(const std::string& name) {
    if (!is_identifier(name)) {
      found_.add(place_, fmt::format("parameter name \"{}\" is not a plain name", name),
                 plain_name_hint);
    } else if (std::ranges::find(reserved::query_parameters, name) !=
               reserved::query_parameters.end()) {
      found_.add(place_, fmt::format("the parameter name {} is reserved", name),
                 fmt::format("in a request ?{}= says how to answer: choose another name", name));
    } else if (is_known_parameter(query_, name)) {
      found_.add(place_, fmt::format("parameter {} is declared twice", name), "remove one of them");
    }
  }

  void check_default(const analytics::parameter& declared) {
    if (const auto fits = analytics::check_value(declared, *declared.default_value); !fits) {
      found_.add(place_, fmt::format("the default of parameter {}: {}", declared.name,
                                     fits.error().message));
    }
  }

  void read_dependency(std::string_view value) {
    const bool stands_alone = value == "all" || value == "none";
    if (!dependencies_.empty() && (stands_alone || query_.depends_on.empty())) {
      found_.add(place_, "depends_on all and depends_on none stand alone",
                 fmt::format("there is another depends_on at {}", dependencies_.front().place));
    }
    dependencies_.push_back({std::string(value), place_});
    query_.depends_on_all = value == "all";
    if (!stands_alone) query_.depends_on.emplace_back(value);
  }

  void read_duration(std::string_view value, std::int64_t& duration_ms) {
    const auto parsed = parse_integer(value);
    if (!parsed || *parsed < 0 || *parsed > duration_ms_max) {
      found_.add(place_, fmt::format("\"{}\" is not a number of milliseconds from 0 to {}", value,
                                     duration_ms_max));
      return;
    }
    duration_ms = *parsed;
  }

  /// Replaces each {name} by a chunk that stands for any value, and reports names that are no
  /// parameter.
  std::string with_sample_values(std::string_view expression) {
    if (has_stray_brace(expression)) {
      found_.add(place_, fmt::format("depends_on {} has a brace without its partner", expression),
                 "write a parameter as {name}");
      return {};
    }
    for (const auto name : placeholders(expression)) {
      if (is_known_parameter(query_, name)) continue;
      std::vector<std::string_view> names;
      for (const auto& parameter : query_.parameters) names.push_back(parameter.name);
      found_.add(
          place_,
          fmt::format("depends_on names {{{}}}, which is not a parameter of the query", name),
          names.empty() ? fmt::format("declare it: -- parameter: {} text", name)
                        : suggest(name, names));
      return {};
    }
    return fill_template(expression,
                         [](std::string_view) -> std::optional<std::string> { return "value"; });
  }

  struct dependency {
    std::string expression;
    std::string place;
  };

  analytics::query_definition& query_;
  problems& found_;
  std::string place_;
  std::vector<dependency> dependencies_;
};

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return line;
}

/// Where the colon of a `-- key: value` line is; npos for any other comment.
std::size_t end_of_key(std::string_view line) {
  if (!line.starts_with("-- ")) return std::string_view::npos;
  const auto end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", 3);
  return end != std::string_view::npos && end > 3 && line[end] == ':' ? end
                                                                      : std::string_view::npos;
}

}  // namespace

analytics::query_definition parse_query_file(std::string name, std::string file,
                                             std::string_view content, problems& found) {
  analytics::query_definition query;
  query.name = std::move(name);
  query.title = query.name;
  query.file = std::move(file);
  header_reader header(query, found);
  std::string_view rest = content;
  for (int line = 1; !rest.empty(); ++line) {
    std::string_view next = rest;
    const std::string_view text = trim(take_line(next));
    if (!text.empty() && !text.starts_with("--")) break;
    if (const auto colon = end_of_key(text); colon != std::string_view::npos) {
      header.read(trim(text.substr(2, colon - 2)), trim(text.substr(colon + 1)), line);
    }
    rest = next;
    query.sql_line = line + 1;
  }
  query.sql = trim(rest);
  if (query.sql.empty()) found.add(query.file, "holds no SQL", "write one SELECT below the header");
  header.check_dependencies();
  return query;
}

}  // namespace lodestar::app
