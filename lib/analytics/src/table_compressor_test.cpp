// Goal: tables are compressed when enough rows came, and a failure delays that and does not forget
// it.
#include <gtest/gtest.h>

#include "database.hpp"
#include "table_compressor.hpp"

namespace lodestar::analytics {
namespace {

TEST(table_compressor, tries_again_some_pages_after_a_failure) {
  metrics_registry metrics;
  auto tables = database::open({});
  ASSERT_TRUE(tables);
  ASSERT_TRUE(tables->load("CREATE TABLE flight_log (delay BIGINT)"));
  auto feeding = tables->connect();
  ASSERT_TRUE(feeding);
  auto& done = metrics.make_counter("lodestar_analytics_compressions_total", "");
  auto& failures = metrics.make_counter("lodestar_analytics_compression_failures_total", "");
  table_compressor compressor(100, metrics);

  compressor.add_rows(99);
  compressor.run_if_due(feeding->get());
  EXPECT_EQ(done.value() + failures.value(), 0U) << "too few rows";

  ASSERT_TRUE(run_statement(feeding->get(), "BEGIN"));
  ASSERT_TRUE(run_statement(feeding->get(), "INSERT INTO flight_log VALUES (1)"));
  compressor.add_rows(1);
  compressor.run_if_due(feeding->get());
  EXPECT_EQ(failures.value(), 1U);

  ASSERT_TRUE(run_statement(feeding->get(), "ROLLBACK"));
  for (std::size_t page = 0; page < table_compressor::retry_pages; ++page)
    compressor.run_if_due(feeding->get());
  EXPECT_EQ(done.value(), 0U) << "not at once";
  compressor.run_if_due(feeding->get());
  EXPECT_EQ(done.value(), 1U);
  compressor.run_if_due(feeding->get());
  EXPECT_EQ(done.value(), 1U) << "nothing is left";
  EXPECT_EQ(failures.value(), 1U);
}

}  // namespace
}  // namespace lodestar::analytics
