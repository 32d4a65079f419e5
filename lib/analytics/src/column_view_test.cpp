// Goal: the views of a result's columns show what its cells are, in the bytes of the result
// themselves, and nothing where the column is of another type.
#include <gtest/gtest.h>

#include <lodestar/analytics/column_view.hpp>

#include "arrow_result.hpp"
#include "database.hpp"

namespace lodestar::analytics {
namespace {

query_result_ptr query(const std::string& sql) {
  options settings;
  settings.threads = 1;
  auto opened = database::open(settings);
  if (!opened) throw std::runtime_error(opened.error().describe());
  auto connection = opened->connect();
  if (!connection) throw std::runtime_error(connection.error().describe());
  result_handle rows;
  if (duckdb_query(connection->get(), sql.c_str(), rows.get()) != DuckDBSuccess)
    throw std::runtime_error(duckdb_result_error(rows.get()));
  auto made = make_query_result(rows, std::size_t{1} << 30);
  if (!made) throw std::runtime_error(made.error().describe());
  return *made;
}

/// What a view says of a row, as a cell.
template <class View>
cell cell_of(const View& view, const auto& value, std::size_t row) {
  return view.valid[row] ? cell(value) : cell();
}

TEST(column_view, shows_what_the_cells_are) {
  const auto made = query(
      "SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE i * 0.5::DOUBLE END n, CASE WHEN i % 7 = 0 THEN "
      "NULL ELSE repeat('x', i % 5) || i END t, CASE WHEN i % 2 = 0 THEN NULL ELSE -i END k, "
      "TIMESTAMP '2001-06-30' + to_seconds(i) AS s FROM range(5000) r(i) ORDER BY i");
  const auto number = numbers(*made, 0);
  const auto text = texts(*made, 1);
  const auto whole = integers(*made, 2);
  const auto time = integers(*made, 3);
  ASSERT_TRUE(number && text && whole && time);
  EXPECT_FALSE(number->valid.all());
  EXPECT_TRUE(time->valid.all());
  ASSERT_EQ(made->rows(), 5'000U);
  EXPECT_EQ(number->values.size(), made->rows());
  EXPECT_EQ(text->size(), made->rows());
  for (std::size_t row = 0; row < made->rows(); ++row) {
    ASSERT_EQ(cell_of(*number, number->values[row], row), made->at(row, 0));
    ASSERT_EQ(cell_of(*text, (*text)[row], row), made->at(row, 1));
    ASSERT_EQ(cell_of(*whole, whole->values[row], row), made->at(row, 2));
    ASSERT_EQ(cell_of(*time, time->values[row], row), made->at(row, 3));
  }
}

TEST(column_view, lies_in_the_bytes_of_the_result) {
  const auto made = query("SELECT i * 0.5::DOUBLE n, 'text ' || i t FROM range(10) r(i)");
  const auto inside = [bytes = made->arrow().view()](const void* place) {
    const auto* const at = static_cast<const char*>(place);
    return at >= bytes.data() && at < bytes.data() + bytes.size();
  };
  EXPECT_TRUE(inside(numbers(*made, 0)->values.data()));
  EXPECT_TRUE(inside((*texts(*made, 1))[9].data()));
}

TEST(column_view, is_nothing_of_another_type) {
  const auto made =
      query("SELECT 0.5::DOUBLE n, 'x' t, 1 i, true b, DATE '2001-06-30' d FROM range(3)");
  for (std::size_t column = 0; column < 6; ++column) {
    EXPECT_EQ(numbers(*made, column).has_value(), column == 0);
    EXPECT_EQ(texts(*made, column).has_value(), column == 1);
    EXPECT_EQ(integers(*made, column).has_value(), column == 2);
  }
}

TEST(column_view, may_be_empty) {
  const auto none = query("SELECT 0.5::DOUBLE n, 'x' t WHERE false");
  EXPECT_TRUE(numbers(*none, 0)->values.empty());
  EXPECT_EQ(texts(*none, 1)->size(), 0U);
  const auto blank = query("SELECT '' t, NULL::DOUBLE n FROM range(3)");
  EXPECT_EQ((*texts(*blank, 0))[2], "");
  EXPECT_NE((*texts(*blank, 0))[2].data(), nullptr);
  EXPECT_FALSE(numbers(*blank, 1)->valid[0]);
}

}  // namespace
}  // namespace lodestar::analytics
