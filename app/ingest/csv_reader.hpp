// Records of a CSV text (RFC 4180), cell by cell as they are written: nothing is guessed about
// types, and nothing is skipped but blank lines. A cell with a quote in front of it may hold the
// delimiter, quotes (doubled) and line ends. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/base/error.hpp>

#include "ingest/line_reader.hpp"
#include "ingest/row_mapper.hpp"

namespace lodestar::app {

class csv_reader {
 public:
  /// Reads the header, the first record. Without a delimiter ('\0') it is the one of , ; | and tab
  /// that the header has most of. Errors: that of next(), and invalid_argument for an empty file.
  [[nodiscard]] static result<csv_reader> open(std::unique_ptr<line_reader> lines, char delimiter);

  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }

  /// Moves to the next record; false at the end. A record with more or fewer cells than the header
  /// is an error.
  [[nodiscard]] result<bool> next();
  /// Of the present record. An empty cell is nothing, "" in quotes is an empty text. Valid until
  /// the next call of next().
  [[nodiscard]] const std::vector<row_cell>& cells() const noexcept { return cells_; }
  /// The line on which the present or the failed record begins.
  [[nodiscard]] std::uint64_t line_number() const noexcept { return line_number_; }
  [[nodiscard]] const line_reader& lines() const noexcept { return *lines_; }

 private:
  struct span {
    std::size_t begin, end;
    bool quoted;
  };

  csv_reader(std::unique_ptr<line_reader> lines, char delimiter)
      : lines_(std::move(lines)), delimiter_(delimiter) {}
  [[nodiscard]] result<bool> read_record();
  [[nodiscard]] result<bool> move_to_record();
  [[nodiscard]] result<void> read_quoted();
  void read_plain();

  std::unique_ptr<line_reader> lines_;
  char delimiter_;
  std::vector<std::string> columns_;
  std::string_view rest_;  // of the present line
  std::string text_;       // of the present record's cells, one behind the other
  std::vector<span> spans_;
  std::vector<row_cell> cells_;
  std::uint64_t line_number_ = 0;
};

}  // namespace lodestar::app
