// Reads the rows of a SELECT over files (CSV, Parquet, JSON …) as texts, chunk by chunk, without a
// server: what imports and the demo's replay read their events with.
//
// Not thread-safe. Each reader has a DuckDB instance of its own, in memory, with one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/base/error.hpp>

namespace lodestar::analytics {

class row_reader {
 public:
  /// Begins the SELECT; relative file names start at `folder`. Every column is read as text.
  [[nodiscard]] static result<std::unique_ptr<row_reader>> open(
      const std::string& sql, const std::filesystem::path& folder);
  virtual ~row_reader() = default;

  [[nodiscard]] virtual const std::vector<std::string>& columns() const noexcept = 0;
  /// Moves to the next chunk of rows; 0 = the end.
  [[nodiscard]] virtual result<std::size_t> next_chunk() = 0;
  /// A cell of the present chunk; nothing for NULL. Valid until the next call of next_chunk().
  [[nodiscard]] virtual std::optional<std::string_view> at(std::size_t row,
                                                           std::size_t column) const = 0;
};

}  // namespace lodestar::analytics
