// A service of analytics that has one result in its cache: rows of a number, half the row's own,
// and a text, "row 000123 of 1000".
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include <lodestar/analytics/service.hpp>
#include <lodestar/base/metrics.hpp>

#include "support/files.hpp"

namespace lodestar::bench {

class cached_rows {
 public:
  explicit cached_rows(std::size_t rows);
  /// A hit.
  [[nodiscard]] std::optional<analytics::query_answer> get() {
    return open_->get_cached(*asked_, {});
  }

 private:
  temp_folder folder_;
  metrics_registry metrics_;
  std::unique_ptr<log::event_log> log_;
  std::unique_ptr<analytics::service> open_;
  std::optional<analytics::bound_query> asked_;
};

/// What reading all of it comes to.
struct row_sums {
  double numbers = 0;
  std::size_t text_bytes = 0;
  std::uint64_t bytes_sum = 0;  ///< Of the bytes of all texts.
  friend bool operator==(const row_sums&, const row_sums&) = default;
};
[[nodiscard]] row_sums expected_sums(std::size_t rows);

}  // namespace lodestar::bench
