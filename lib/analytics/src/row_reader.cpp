#include <lodestar/analytics/row_reader.hpp>

#include <utility>

#include <fmt/format.h>

#include <lodestar/analytics/sql_quote.hpp>

#include "database.hpp"
#include "sql_text.hpp"

namespace lodestar::analytics {
namespace {

/// The present chunk's column, as DuckDB lays it out.
struct text_column {
  const duckdb_string_t* values = nullptr;
  std::uint64_t* validity = nullptr;  // null: no NULL in the chunk
};

class duckdb_row_reader final : public row_reader {
 public:
  duckdb_row_reader(database source, connection_handle connection)
      : source_(std::move(source)), connection_(std::move(connection)) {}

  /// Every column as text; rows are handed out while the query runs, so the size of the files does
  /// not matter.
  result<void> begin(const std::string& sql) {
    const std::string texts = fmt::format("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n{}\n)",
                                          without_semicolon(sql, sql_tokens(sql)));
    if (duckdb_prepare(connection_.get(), texts.c_str(), statement_.out()) != DuckDBSuccess) {
      return std::unexpected(
          duckdb_failure(DUCKDB_ERROR_BINDER, duckdb_prepare_error(statement_.get())));
    }
    pending_handle pending;
    if (duckdb_pending_prepared_streaming(statement_.get(), pending.out()) != DuckDBSuccess) {
      const char* message = duckdb_pending_error(pending.get());  // there are no rows to ask yet
      return std::unexpected(
          duckdb_failure(DUCKDB_ERROR_INVALID_INPUT, message == nullptr ? "" : message));
    }
    if (duckdb_execute_pending(pending.get(), rows_.get()) != DuckDBSuccess)
      return std::unexpected(failure_of_rows());
    for (idx_t column = 0; column < duckdb_column_count(rows_.get()); ++column) {
      names_.emplace_back(duckdb_column_name(rows_.get(), column));
    }
    return {};
  }

  [[nodiscard]] const std::vector<std::string>& columns() const noexcept override { return names_; }

  [[nodiscard]] result<std::size_t> next_chunk() override {
    if (ended_) return 0;
    chunk_ = chunk_handle(duckdb_fetch_chunk(*rows_.get()));
    if (!chunk_) {
      ended_ = true;  // asking a finished query again is an error to DuckDB
      const char* message = duckdb_result_error(rows_.get());
      if (message != nullptr && *message != '\0') return std::unexpected(failure_of_rows());
      return 0;
    }
    columns_.clear();
    for (idx_t column = 0; column < names_.size(); ++column) {
      duckdb_vector values = duckdb_data_chunk_get_vector(chunk_.get(), column);
      columns_.push_back({static_cast<const duckdb_string_t*>(duckdb_vector_get_data(values)),
                          duckdb_vector_get_validity(values)});
    }
    return duckdb_data_chunk_get_size(chunk_.get());
  }

  [[nodiscard]] std::optional<std::string_view> at(std::size_t row,
                                                   std::size_t column) const override {
    const auto& [values, validity] = columns_[column];
    if (validity != nullptr && !duckdb_validity_row_is_valid(validity, row)) return std::nullopt;
    // duckdb_string_t_data wants a pointer it may write through, and never does.
    auto* text = const_cast<duckdb_string_t*>(&values[row]);
    return std::string_view(duckdb_string_t_data(text), duckdb_string_t_length(*text));
  }

 private:
  error failure_of_rows() {
    const char* message = duckdb_result_error(rows_.get());
    return duckdb_failure(duckdb_result_error_type(rows_.get()), message == nullptr ? "" : message);
  }

  database source_;
  connection_handle connection_;
  prepared_handle statement_;
  result_handle rows_;
  chunk_handle chunk_;
  std::vector<text_column> columns_;
  std::vector<std::string> names_;
  bool ended_ = false;
};

}  // namespace

result<std::unique_ptr<row_reader>> row_reader::open(const std::string& sql,
                                                     const std::filesystem::path& folder) {
  options settings;
  settings.threads = 1;
  auto source = database::open(settings);
  if (!source) return std::unexpected(std::move(source.error()));
  auto connection = source->connect();
  if (!connection) return std::unexpected(std::move(connection.error()));
  // The search path belongs to a connection, not to the instance.
  auto search_path =
      run_statement(connection->get(), "SET file_search_path = " + quote_literal(folder.string()));
  if (!search_path) return std::unexpected(std::move(search_path.error()));
  auto made = std::make_unique<duckdb_row_reader>(std::move(*source), std::move(*connection));
  if (auto began = made->begin(sql); !began) return std::unexpected(std::move(began.error()));
  return made;
}

}  // namespace lodestar::analytics
