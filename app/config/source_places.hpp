// Where the parts of a file stand, kept for mistakes that show only when all files have been read.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lodestar::app {

/// Places of a table and of its keys: "dashboards/flights.toml:12". The keys of inner tables are
/// written with a dot: "format.delay".
struct source_places {
  std::string table;
  std::map<std::string, std::string, std::less<>> keys;

  /// The key's place, else the table's: what a default stands for is missing there.
  [[nodiscard]] const std::string& of(std::string_view key) const {
    const auto found = keys.find(key);
    return found == keys.end() ? table : found->second;
  }
};

}  // namespace lodestar::app
