#include "config/chart_keys.hpp"

#include <array>

namespace lodestar::app {
namespace {

template <class... Kinds>
constexpr chart_set any_of(Kinds... kinds) noexcept {
  return (... | (1U << static_cast<unsigned>(kinds)));
}

constexpr chart_set kpi = any_of(chart_kind::kpi);
constexpr chart_set bar = any_of(chart_kind::bar);
constexpr chart_set map = any_of(chart_kind::map);
constexpr chart_set table = any_of(chart_kind::table);
constexpr chart_set lines = any_of(chart_kind::line, chart_kind::area);
constexpr chart_set axes = lines | bar | any_of(chart_kind::histogram);

constexpr std::array keys = {
    chart_key{"x", axes | kpi, axes, &tile_definition::x},
    chart_key{"y", axes, axes},
    chart_key{"value", kpi, kpi, &tile_definition::value},
    chart_key{"previous", kpi, 0, &tile_definition::previous},
    chart_key{"trend", kpi, 0, &tile_definition::trend},
    chart_key{"better", kpi},
    chart_key{"baseline", lines | bar},
    chart_key{"horizontal", bar},
    chart_key{"longitude", map, map, &tile_definition::longitude},
    chart_key{"latitude", map, map, &tile_definition::latitude},
    chart_key{"name", map, 0, &tile_definition::name},
    chart_key{"area", map, 0, &tile_definition::area},
    chart_key{"color", map | bar, 0, &tile_definition::color},
    chart_key{"color_min", map | bar},
    chart_key{"color_max", map | bar},
    chart_key{"columns", table},
    chart_key{"bar", table, 0, &tile_definition::bar},
    chart_key{"link", axes | map | table},
};

}  // namespace

std::span<const chart_key> chart_keys() noexcept {
  return keys;
}

std::vector<column_use> columns_used(const tile_definition& tile) {
  std::vector<column_use> used;
  for (const auto& name : tile.y) used.push_back({"y", name});
  for (const auto& name : tile.columns) used.push_back({"columns", name});
  for (const auto& key : keys) {
    if (key.column != nullptr && !(tile.*key.column).empty())
      used.push_back({key.name, tile.*key.column});
  }
  return used;
}

}  // namespace lodestar::app
