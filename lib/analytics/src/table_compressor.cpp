#include "table_compressor.hpp"

#include <lodestar/base/logging.hpp>

#include "database.hpp"

namespace lodestar::analytics {

table_compressor::table_compressor(std::size_t rows_min, metrics_registry& metrics)
    : rows_min_(rows_min),
      done_(metrics.make_counter("lodestar_analytics_compressions_total",
                                 "Times the event tables were compressed")),
      failures_(metrics.make_counter("lodestar_analytics_compression_failures_total",
                                     "Times the event tables could not be compressed")) {}

void table_compressor::run_if_due(duckdb_connection connection) {
  if (rows_ < rows_min_) return;
  if (pages_to_wait_ > 0) {
    --pages_to_wait_;
    return;
  }
  if (auto done = run_statement(connection, "CHECKPOINT"); !done) {
    failures_.add();
    pages_to_wait_ = retry_pages;
    log_debug("analytics", "tables are not compressed now", {{"reason", done.error().message}});
    return;
  }
  done_.add();
  rows_ = 0;
}

}  // namespace lodestar::analytics
