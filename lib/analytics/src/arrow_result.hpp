// Results as Arrow IPC streams: writing one from DuckDB's chunks, reading one in place.
//
// A stream holds the schema, one record batch (of zero rows for an empty result) and the end mark.
// One batch, because a result is made and read as a whole; then a column is one array, and a cell
// is one address.
#pragma once

#include <cstddef>

#include <lodestar/analytics/query_result.hpp>
#include <lodestar/base/error.hpp>

#include "duckdb_raii.hpp"

namespace lodestar::analytics {

/// Arrow's offsets of texts are 32 bits wide; a column of DuckDB's largest chunk still fits above
/// this.
inline constexpr std::size_t result_bytes_limit = std::size_t{1} << 30;

/// The result's rows. too_large when the columns exceed bytes_max (at most result_bytes_limit).
/// Every column's type must be one that column_builder supports.
[[nodiscard]] result<query_result_ptr> make_query_result(result_handle& rows,
                                                         std::size_t bytes_max);

/// Reads a stream that make_query_result wrote; its JSON and CSV have at most bytes_max each. The
/// bytes must be unharmed: check them before if they were stored.
[[nodiscard]] result<query_result_ptr> read_query_result(shared_bytes stream,
                                                         std::size_t bytes_max);

/// What the result as JSON or CSV takes at most, short of texts that have to be escaped.
[[nodiscard]] std::size_t rendered_bytes_estimate(const query_result& content) noexcept;

/// too_large as soon as the text exceeds bytes_max.
[[nodiscard]] result<std::string> render_json(const query_result& content, std::size_t bytes_max);
[[nodiscard]] result<std::string> render_csv(const query_result& content, std::size_t bytes_max);
[[nodiscard]] std::unexpected<error> rendered_too_large(std::size_t bytes_max);

}  // namespace lodestar::analytics
