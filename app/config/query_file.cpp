#include "config/query_file.hpp"

#include <utility>

#include <fmt/format.h>
#include <lodestar/keyexpr/key_expression.hpp>

#include "config/text.hpp"

namespace lodestar::app {
namespace {

constexpr std::int64_t duration_ms_max = 366LL * 24 * 3600 * 1000;

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
    query_.parameters.push_back(std::move(made));
  }

  void read_dependency(std::string_view value) {
    if (value == "all") {
      query_.depends_on_all = true;
      return;
    }
    query_.depends_on_all = false;
    if (value == "none") return;
    query_.depends_on.emplace_back(value);
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

  analytics::query_definition& query_;
  problems& found_;
  std::string place_;
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

bool is_known_parameter(const analytics::query_definition& query, std::string_view name) {
  for (const auto& parameter : query.parameters) {
    if (parameter.name == name) return true;
  }
  return false;
}

/// Replaces each {name} by a chunk that stands for any value, and reports names that are no
/// parameter.
std::string with_sample_values(const analytics::query_definition& query,
                               std::string_view expression, problems& found) {
  std::string sample;
  while (!expression.empty()) {
    const auto open = expression.find('{');
    sample.append(expression.substr(0, open));
    if (open == std::string_view::npos) break;
    const auto close = expression.find('}', open);
    if (close == std::string_view::npos) {
      found.add(query.file, fmt::format("depends_on {} has a {{ without }}", expression));
      return {};
    }
    const auto name = expression.substr(open + 1, close - open - 1);
    if (!is_known_parameter(query, name)) {
      found.add(
          query.file,
          fmt::format("depends_on names {{{}}}, which is not a parameter of the query", name));
      return {};
    }
    sample += "value";
    expression.remove_prefix(close + 1);
  }
  return sample;
}

void check_dependencies(const analytics::query_definition& query, problems& found) {
  for (const auto& expression : query.depends_on) {
    const std::string sample = with_sample_values(query, expression, found);
    if (sample.empty()) continue;
    if (const auto parsed = keyexpr::key_expression::parse(sample); !parsed) {
      found.add(query.file, fmt::format("depends_on {}: {}", expression, parsed.error().message),
                "write for example events/Airport/{airport}/**");
    }
  }
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
  check_dependencies(query, found);
  return query;
}

}  // namespace lodestar::app
