#include "result_views/cached_rows.hpp"

#include <fmt/format.h>

#include <future>
#include <stdexcept>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/sqlite_log/sqlite_log.hpp>

namespace lodestar::bench {
namespace {

template <class T>
T expect(result<T> got) {
  if (!got) throw std::runtime_error(got.error().describe());
  return *std::move(got);
}

analytics::query_definition rows_query(std::size_t rows) {
  analytics::query_definition query;
  query.name = "rows";
  query.sql = fmt::format(
      "SELECT i * 0.5::DOUBLE AS number, printf('row %06d of {0}', i) AS text FROM range({0}) AS "
      "numbers(i) ORDER BY i",
      rows);
  query.depends_on_all = false;
  query.lifetimes.fresh_ms = 86'400'000;
  return query;
}

}  // namespace

cached_rows::cached_rows(std::size_t rows) {
  sqlite_log::options where;
  where.file = folder_.path() / "log.db";
  log_ = expect(sqlite_log::open(where, system_clock(), metrics_));
  analytics::options settings;
  settings.threads = 1;
  settings.temp_folder = folder_.path();
  open_ = expect(analytics::service::open(settings, {}, {}, {rows_query(rows)}, *log_,
                                          system_clock(), metrics_));
  asked_ = expect(open_->bind("rows", {}));
  std::promise<result<analytics::query_answer>> answer;
  open_->get(*asked_, {}, [&](auto got) { answer.set_value(std::move(got)); });
  static_cast<void>(expect(answer.get_future().get()));
}

row_sums expected_sums(std::size_t rows) {
  row_sums sums;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::string text = fmt::format("row {:06} of {}", row, rows);
    sums.numbers += static_cast<double>(row) * 0.5;
    sums.text_bytes += text.size();
    for (const char byte : text) sums.bytes_sum += static_cast<unsigned char>(byte);
  }
  return sums;
}

}  // namespace lodestar::bench
