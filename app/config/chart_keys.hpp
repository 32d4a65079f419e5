// Which keys of a [[tile]] belong to which chart.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/project.hpp"

namespace lodestar::app {

/// Kinds of charts, one bit each.
using chart_set = std::uint32_t;

[[nodiscard]] constexpr bool contains(chart_set charts, chart_kind kind) noexcept {
  return (charts >> static_cast<unsigned>(kind) & 1U) != 0;
}

struct chart_key {
  std::string_view name;
  chart_set charts;           ///< Those that have it.
  chart_set required_by = 0;  ///< Those that cannot be drawn without it.
  /// Where its value is kept when that is the name of one column.
  std::string tile_definition::* column = nullptr;
};

/// The keys that not every chart has.
[[nodiscard]] std::span<const chart_key> chart_keys() noexcept;

/// A column that a tile shows, and the key that names it.
struct column_use {
  std::string_view key;
  std::string_view column;
};

/// The columns that the tile needs to be drawn; they point into the tile.
[[nodiscard]] std::vector<column_use> columns_used(const tile_definition& tile);

}  // namespace lodestar::app
