// Compresses the tables (CHECKPOINT) after each so many rows.
//
// When it fails, the rows stay counted, and it is tried again after some further pages. Used by one
// thread.
#pragma once

#include <cstddef>

#include <lodestar/base/metrics.hpp>

#include "duckdb_raii.hpp"

namespace lodestar::analytics {

class table_compressor {
 public:
  static constexpr std::size_t retry_pages = 10;

  table_compressor(std::size_t rows_min, metrics_registry& metrics);

  void add_rows(std::size_t rows) noexcept { rows_ += rows; }
  /// Called after each page, outside of a transaction.
  void run_if_due(duckdb_connection connection);

 private:
  const std::size_t rows_min_;
  counter& done_;
  counter& failures_;
  std::size_t rows_ = 0;  ///< That are not compressed.
  std::size_t pages_to_wait_ = 0;
};

}  // namespace lodestar::analytics
