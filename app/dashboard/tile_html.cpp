#include "dashboard/tile_html.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <lodestar/analytics/timestamp.hpp>
#include <lodestar/base/json.hpp>

#include "config/chart_keys.hpp"
#include "config/placeholders.hpp"
#include "dashboard/format.hpp"

namespace lodestar::app {
namespace {

using analytics::cell;
using analytics::query_result;
using analytics::value_type;
using web::html;

constexpr std::size_t table_rows_max = 100;

std::string_view to_string(tile_state state) {
  constexpr std::array<std::string_view, 4> names = {"live", "refreshing", "stale", "error"};
  return names[static_cast<std::size_t>(state)];
}

/// Looks up columns of a result by name.
class columns_of {
 public:
  explicit columns_of(const query_result& result) : result_(result) {}

  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    const auto& columns = result_.columns();
    for (std::size_t index = 0; index < columns.size(); ++index) {
      if (columns[index].name == name) return index;
    }
    return std::nullopt;
  }
  [[nodiscard]] value_type type(std::size_t column) const { return result_.columns()[column].type; }
  [[nodiscard]] cell at(std::size_t row, std::optional<std::size_t> column) const {
    return column ? result_.at(row, *column) : cell();
  }

 private:
  const query_result& result_;
};

/// Renders the inside of one tile that has a value.
class body_renderer {
 public:
  body_renderer(html& out, const tile_view& view)
      : out_(out),
        tile_(view.definition),
        view_(view),
        result_(*view.content.value),
        columns_(result_) {}

  void render() {
    if (const std::string missing = missing_column(); !missing.empty()) {
      out_.raw("<p class=\"tile-message\">").text(missing).raw("</p>");
      return;
    }
    if (result_.rows() == 0) {
      out_.raw("<p class=\"empty\">No rows.</p>");
    } else if (tile_.chart == chart_kind::kpi) {
      render_kpi();
    } else if (tile_.chart == chart_kind::table) {
      render_table();
    } else {
      render_chart();
    }
  }

 private:
  /// Names that the tile's definition uses and the result lacks: a mistake that must be seen where
  /// it shows.
  std::string missing_column() const {
    for (const auto& [key, column] : columns_used(tile_)) {
      if (!columns_.find(column))
        return fmt::format("The query {} has no column {}.", tile_.query, column);
    }
    return {};
  }

  shown_value shown(std::size_t row, const std::string& column) const {
    const auto index = columns_.find(column);
    return show(columns_.at(row, index), columns_.type(*index), tile_.formats.of(column),
                tile_.units.of(column));
  }

  void render_kpi() {
    const std::size_t last = result_.rows() - 1;
    const cell value = columns_.at(last, columns_.find(tile_.value));
    const auto text = shown(last, tile_.value);
    out_.raw("<div class=\"kpi\"><p class=\"kpi-value\"><data value=\"");
    out_.text(as_text(value, columns_.type(*columns_.find(tile_.value))))
        .raw("\">")
        .text(text.text)
        .raw("</data>");
    if (!text.unit.empty()) out_.raw("<span class=\"unit\">").text(text.unit).raw("</span>");
    out_.raw("</p>");
    if (!tile_.previous.empty())
      render_delta(as_number(value), as_number(columns_.at(last, columns_.find(tile_.previous))));
    out_.raw("</div>");
    if (!tile_.trend.empty()) {
      begin_chart("sparkline");
      attribute_columns({tile_.x, tile_.trend});
      axis_attributes(tile_.trend);
      format_attributes({tile_.trend});
      out_.raw("></lodestar-chart>");
    }
  }

  void render_delta(std::optional<double> now, std::optional<double> before) {
    if (!now || !before) return;
    const double difference = *now - *before;
    const value_format format = tile_.formats.of(tile_.value);
    const auto type = columns_.type(*columns_.find(tile_.value));
    auto text =
        show(cell(std::abs(difference)), value_type::number,
             format == value_format::by_type && type == value_type::integer ? value_format::integer
                                                                            : format,
             "");
    const bool flat = text.text.find_first_of("123456789") == std::string::npos;
    const bool up = difference > 0;
    const bool good = (tile_.better == better_direction::up) == up;
    out_.raw("<p class=\"kpi-delta\" data-direction=\"").text(flat ? "flat" : up ? "up" : "down");
    out_.raw("\" data-verdict=\"")
        .text(flat || tile_.better == better_direction::none ? "neutral"
              : good                                         ? "good"
                                                             : "bad");
    out_.raw("\">").text(flat ? "= " : up ? "▲ " : "▼ ").text(text.text);
    if (format == value_format::percent)
      out_.raw(" points");
    else if (!text.unit.empty())
      out_.raw(" ").text(text.unit);
    out_.raw(" <span>")
        .text(flat ? "as before"
              : up ? "more than before"
                   : "less than before")
        .raw("</span>");
    if (!flat && tile_.better != better_direction::none)
      out_.raw("<span class=\"only-read\">").text(good ? ", better" : ", worse").raw("</span>");
    out_.raw("</p>");
  }

  void begin_chart(std::string_view kind) {
    out_.raw("<lodestar-chart id=\"chart-")
        .text(tile_.id)
        .raw("\" kind=\"")
        .text(kind)
        .raw("\" label=\"")
        .text(tile_.title)
        .raw("\"");
  }

  void attribute(std::string_view name, std::string_view value) {
    if (!value.empty()) out_.raw(" ").text(name).raw("=\"").text(value).raw("\"");
  }
  void attribute(std::string_view name, std::optional<double> value) {
    if (value) attribute(name, fmt::format("{}", *value));
  }

  void axis_attributes(const std::string& series) {
    attribute("x", tile_.x);
    if (!tile_.x.empty()) {
      const auto type = columns_.type(*columns_.find(tile_.x));
      if (type == value_type::timestamp || type == value_type::date)
        attribute("x-type", std::string_view("time"));
    }
    attribute("y", series);
  }

  void render_chart() {
    begin_chart(to_string(tile_.chart));
    if (tile_.chart == chart_kind::map) {
      attribute("longitude", tile_.longitude);
      attribute("latitude", tile_.latitude);
      attribute("name", tile_.name);
      attribute("size", tile_.area);
    } else {
      axis_attributes(join_names(tile_.y));
      if (tile_.horizontal) out_.raw(" horizontal");
    }
    attribute("color", tile_.color);
    attribute("color-min", tile_.color_min);
    attribute("color-max", tile_.color_max);
    attribute("baseline", tile_.baseline);
    std::vector<std::string> values = tile_.y;
    values.insert(values.end(), {tile_.area, tile_.color});
    format_attributes(values);
    if (!tile_.link.empty()) out_.raw(" tabindex=\"0\"");
    attribute("href", page_filled(tile_.link));
    attribute_columns(chart_columns());
    out_.raw("></lodestar-chart>");
  }

  /// By name: a chart shows columns of different kinds.
  void format_attributes(const std::vector<std::string>& value_columns) {
    const auto format_of = [&](const std::string& column) {
      return to_string(tile_.formats.of(column));
    };
    const auto unit_of = [&](const std::string& column) -> std::string_view {
      return tile_.units.of(column);
    };
    attribute("format", json_by_name(value_columns, format_of));
    attribute("unit", json_by_name(value_columns, unit_of));
  }

  template <class ValueOf>
  static std::string json_by_name(const std::vector<std::string>& columns, ValueOf value_of) {
    std::string json;
    std::set<std::string_view> written;
    for (const auto& column : columns) {
      const std::string_view value = value_of(column);
      if (column.empty() || value.empty() || !written.insert(column).second) continue;
      json += json.empty() ? '{' : ',';
      append_json_string(json, column);
      json += ':';
      append_json_string(json, value);
    }
    if (!json.empty()) json += '}';
    return json;
  }

  static std::string join_names(const std::vector<std::string>& names) {
    std::string joined;
    for (const auto& name : names) joined.append(joined.empty() ? "" : " ").append(name);
    return joined;
  }

  std::vector<std::string> chart_columns() const {
    std::vector<std::string> names = tile_.y;
    for (const auto& name :
         {tile_.x, tile_.longitude, tile_.latitude, tile_.name, tile_.area, tile_.color})
      names.push_back(name);
    (void)fill_template(tile_.link, [&](std::string_view name) -> std::optional<std::string> {
      if (columns_.find(name)) names.emplace_back(name);
      return std::nullopt;
    });
    return names;
  }

  /// The link with the page's own parameters filled in; the columns stay for each point.
  std::string page_filled(std::string_view link) const {
    return fill_template(link, [&](std::string_view name) -> std::optional<std::string> {
      const auto found = view_.page.find(name);
      if (columns_.find(name) || found == view_.page.end()) return std::nullopt;
      return percent_encode(found->second);
    });
  }

  void attribute_columns(const std::vector<std::string>& names) {
    std::string json = "{";
    std::set<std::string_view> written;
    for (const auto& name : names) {
      if (name.empty() || !written.insert(name).second) continue;
      if (json.size() > 1) json += ',';
      append_json_string(json, name);
      json += ":[";
      const std::size_t column = *columns_.find(name);
      for (std::size_t row = 0; row < result_.rows(); ++row) {
        if (row > 0) json += ',';
        append_json(json, result_.at(row, column), columns_.type(column));
      }
      json += ']';
    }
    out_.raw(" data=\"").text(json + "}").raw("\"");
  }

  void render_table() {
    std::vector<std::string> names = tile_.columns;
    if (names.empty()) {
      for (const auto& column : result_.columns()) names.push_back(column.name);
    }
    out_.raw("<div class=\"table-scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"title-")
        .text(tile_.id);
    out_.raw("\"><table><thead><tr>");
    for (const auto& name : names) {
      out_.raw("<th scope=\"col\"")
          .append(number_class(name))
          .raw(">")
          .text(title_of_column(name))
          .raw("</th>");
    }
    out_.raw("</tr></thead><tbody>");
    const std::size_t rows = std::min(result_.rows(), table_rows_max);
    const double bar_max = maximum(tile_.bar);
    for (std::size_t row = 0; row < rows; ++row) render_row(row, names, bar_max);
    out_.raw("</tbody></table></div>");
    if (rows < result_.rows()) {
      out_.raw("<p class=\"more\">")
          .text(fmt::format("{} of {} rows", rows, result_.rows()))
          .raw("</p>");
    }
  }

  bool is_number(const std::string& name) const {
    const auto type = columns_.type(*columns_.find(name));
    return type == value_type::integer || type == value_type::number;
  }

  html number_class(const std::string& name) const {
    html made;
    if (is_number(name)) made.raw(" class=\"number\"");
    return made;
  }

  double maximum(const std::string& name) const {
    double largest = 0;
    const auto column = columns_.find(name);
    for (std::size_t row = 0; column && row < result_.rows(); ++row) {
      largest = std::max(largest, as_number(result_.at(row, *column)).value_or(0));
    }
    return largest;
  }

  void render_row(std::size_t row, const std::vector<std::string>& names, double bar_max) {
    out_.raw("<tr>");
    for (std::size_t index = 0; index < names.size(); ++index) {
      const auto text = shown(row, names[index]).joined();
      if (index == 0) {
        out_.raw("<th scope=\"row\">");
        if (tile_.link.empty())
          out_.text(text);
        else
          out_.raw("<a href=\"").text(row_link(row)).raw("\">").text(text).raw("</a>");
        out_.raw("</th>");
        continue;
      }
      out_.raw("<td").append(number_class(names[index]));
      if (names[index] == tile_.bar && bar_max > 0) {
        const double value = as_number(columns_.at(row, columns_.find(tile_.bar))).value_or(0);
        out_.raw(" style=\"--share:")
            .text(fmt::format("{:.3f}", std::clamp(value / bar_max, 0.0, 1.0)))
            .raw("\"");
      }
      out_.raw(">").text(text).raw("</td>");
    }
    out_.raw("</tr>");
  }

  std::string row_link(std::size_t row) const {
    return fill_template(tile_.link, [&](std::string_view name) -> std::optional<std::string> {
      if (const auto column = columns_.find(name))
        return percent_encode(as_text(result_.at(row, *column), columns_.type(*column)));
      const auto found = view_.page.find(name);
      return found == view_.page.end() ? std::nullopt
                                       : std::optional(percent_encode(found->second));
    });
  }

  html& out_;
  const tile_definition& tile_;
  const tile_view& view_;
  const query_result& result_;
  columns_of columns_;
};

std::string data_link(const tile_view& view) {
  std::string link =
      fmt::format("/api/queries/{}?format=csv", percent_encode(view.definition.query));
  for (const auto& [name, pattern] : view.definition.parameters) {
    const std::string value =
        fill_template(pattern, [&](std::string_view parameter) -> std::optional<std::string> {
          const auto found = view.page.find(parameter);
          return found == view.page.end() ? std::nullopt : std::optional(found->second);
        });
    link += fmt::format("&{}={}", percent_encode(name), percent_encode(value));
  }
  return link;
}

void append_as_of_span(html& out, const tile_definition& tile, const as_of& when) {
  out.raw("<span class=\"as-of\" id=\"as-of-")
      .text(tile.id)
      .raw("\" data-position=\"")
      .number(when.position)
      .raw("\">");
  append_as_of(out, when);
  out.raw("</span>");
}

}  // namespace

web::html render_tile(const tile_view& view, const as_of& when) {
  const auto& tile = view.definition;
  html out;
  out.raw("<section class=\"tile\" id=\"tile-")
      .text(tile.id)
      .raw("\" data-kind=\"")
      .text(to_string(tile.chart));
  out.raw("\" data-size=\"").text(tile.size).raw("\" data-state=\"").text(to_string(view.state));
  out.raw("\" data-changed=\"")
      .number(view.content.changed_at)
      .raw("\" aria-labelledby=\"title-")
      .text(tile.id);
  out.raw("\"><header><h2 id=\"title-")
      .text(tile.id)
      .raw("\">")
      .text(tile.title)
      .raw("</h2><a class=\"data-link\" href=\"");
  out.text(data_link(view))
      .raw("\" aria-label=\"")
      .text(tile.title)
      .raw(": data as CSV\">data</a>");
  append_as_of_span(out, tile, when);
  out.raw("</header>");
  if (!view.message.empty()) out.raw("<p class=\"tile-message\">").text(view.message).raw("</p>");
  if (view.content.value) body_renderer(out, view).render();
  out.raw("</section>");
  return out;
}

web::html render_as_of(const tile_definition& tile, const as_of& when) {
  html out;
  append_as_of_span(out, tile, when);
  return out;
}

web::html render_page_status(const as_of& when) {
  html out;
  out.raw("<p id=\"page-status\" data-position=\"").number(when.position).raw("\">as of ");
  append_as_of(out, when);
  out.raw("</p>");
  return out;
}

void append_as_of(html& out, const as_of& when) {
  const std::string text = analytics::format_timestamp_us(when.wall_us);
  out.raw("<lodestar-time datetime=\"")
      .text(text)
      .raw("\">")
      .text(text.substr(11, 8))
      .raw(" UTC</lodestar-time> ");
  out.raw("<span class=\"position\">#").number(when.position).raw("</span>");
}

}  // namespace lodestar::app
