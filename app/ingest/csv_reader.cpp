#include "ingest/csv_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lodestar::app {
namespace {

char frequent_delimiter(std::string_view header) {
  char best = ',';
  std::ptrdiff_t best_count = 0;
  for (const char candidate : {',', ';', '\t', '|'}) {
    std::ptrdiff_t count = 0;
    bool quoted = false;
    for (const char character : header) {
      if (character == '"') quoted = !quoted;
      if (character == candidate && !quoted) ++count;
    }
    if (count > best_count) {
      best = candidate;
      best_count = count;
    }
  }
  return best;
}

std::string_view without_carriage_return(std::string_view line) noexcept {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

}  // namespace

result<csv_reader> csv_reader::open(std::unique_ptr<line_reader> lines, char delimiter) {
  csv_reader made(std::move(lines), delimiter);
  const auto header = made.read_record();
  if (!header) return std::unexpected(header.error());
  if (!*header)
    return fail(error_code::invalid_argument, "is empty", {}, "its first line names the columns");
  for (const auto& cell : made.cells_) made.columns_.emplace_back(cell.value_or(""));
  return made;
}

result<bool> csv_reader::next() {
  auto more = read_record();
  if (more && *more && cells_.size() != columns_.size()) {
    return fail(error_code::invalid_argument,
                fmt::format("has {} cells, the header has {}", cells_.size(), columns_.size()), {},
                "put a cell that holds the delimiter into quotes");
  }
  return more;
}

result<bool> csv_reader::read_record() {
  auto found = move_to_record();
  if (!found || !*found) return found;
  text_.clear();
  spans_.clear();
  for (;;) {
    const std::size_t begin = text_.size();
    const bool quoted = rest_.starts_with('"');
    if (!quoted) {
      read_plain();
    } else if (auto read = read_quoted(); !read) {
      return std::unexpected(std::move(read.error()));
    }
    spans_.push_back({begin, text_.size(), quoted});
    if (rest_.empty()) break;
    rest_.remove_prefix(1);  // the delimiter; nothing behind it is one more empty cell
  }
  cells_.clear();
  for (const auto& [begin, end, quoted] : spans_) {
    const bool is_null = begin == end && !quoted;
    cells_.push_back(is_null ? row_cell()
                             : row_cell(std::string_view(text_).substr(begin, end - begin)));
  }
  return true;
}

result<bool> csv_reader::move_to_record() {
  do {
    const auto line = lines_->next();
    line_number_ = lines_->line_number();
    if (!line) return std::unexpected(line.error());
    if (!*line) return false;
    rest_ = **line;
  } while (without_carriage_return(rest_).empty());
  if (delimiter_ == '\0') delimiter_ = frequent_delimiter(rest_);
  return true;
}

void csv_reader::read_plain() {
  const auto end = rest_.find(delimiter_);
  if (end == std::string_view::npos) {
    text_ += without_carriage_return(rest_);
    rest_ = {};
  } else {
    text_ += rest_.substr(0, end);
    rest_.remove_prefix(end);
  }
}

result<void> csv_reader::read_quoted() {
  rest_.remove_prefix(1);
  for (;;) {
    const auto quote = rest_.find('"');
    text_ += rest_.substr(0, quote);
    if (quote != std::string_view::npos) {
      rest_.remove_prefix(quote + 1);
      if (!rest_.starts_with('"')) break;
      text_ += '"';
      rest_.remove_prefix(1);
      continue;
    }
    text_ += '\n';
    const auto line = lines_->next();
    if (!line) return std::unexpected(line.error());
    if (!*line || text_.size() > line_bytes_max) {
      return fail(error_code::invalid_argument, "a quote is opened and never closed", {},
                  "write a quote inside of a quoted cell twice");
    }
    rest_ = **line;
  }
  rest_ = rest_ == "\r" ? std::string_view() : rest_;
  if (!rest_.empty() && rest_.front() != delimiter_) {
    return fail(error_code::invalid_argument, "there is text behind a closing quote", {},
                "write a quote inside of a quoted cell twice");
  }
  return {};
}

}  // namespace lodestar::app
