// Goal: every type of DuckDB arrives in Arrow, JSON and CSV with its value, equal content gives
// equal bytes, and the bytes are an Arrow stream that others read: DuckDB's own answers are the
// yardstick.
#include <gtest/gtest.h>

#include "arrow_result.hpp"
#include "database.hpp"

namespace lodestar::analytics {
namespace {

class arrow_results : public ::testing::Test {
 protected:
  void SetUp() override {
    options settings;
    settings.threads = 2;
    auto opened = database::open(settings);
    ASSERT_TRUE(opened);
    database_.emplace(std::move(*opened));
    connection_ = std::move(*database_->connect());
  }
  result<query_result_ptr> try_query(const std::string& sql,
                                     std::size_t bytes_max = std::size_t{1} << 30) {
    result_handle rows;
    if (duckdb_query(connection_.get(), sql.c_str(), rows.get()) != DuckDBSuccess) {
      return fail(error_code::internal, duckdb_result_error(rows.get()));
    }
    return make_query_result(rows, bytes_max);
  }
  query_result_ptr query(const std::string& sql) {
    auto made = try_query(sql);
    if (!made) throw std::runtime_error(made.error().describe());
    return *made;
  }
  std::optional<database> database_;
  connection_handle connection_;
};

TEST_F(arrow_results, carries_every_type) {
  const auto made = query(
      "SELECT true b, 1::TINYINT i8, -2::SMALLINT i16, 3::INTEGER i32, 4::BIGINT i64, 5::UTINYINT "
      "u8, 6::USMALLINT u16, 7::UINTEGER u32, "
      "8::UBIGINT u64, 9::HUGEINT i128, 1.5::FLOAT f, 2.5::DOUBLE d, 1.25::DECIMAL(5,2) AS cents, "
      "12::DECIMAL(20,0) whole, 'x' t, "
      "'red'::ENUM('blue','red') e, TIMESTAMP '2001-06-30 12:34:00' ts, '2001-06-30 "
      "12:34:00'::TIMESTAMP_S ts_s, "
      "'2001-06-30 12:34:00.001'::TIMESTAMP_MS ts_ms, '2001-06-30 12:34:00.000001'::TIMESTAMP_NS "
      "ts_ns, "
      "'2001-06-30 14:34:00+02'::TIMESTAMPTZ tz, DATE '2001-06-30' AS \"day\", NULL AS n");
  EXPECT_EQ(
      made->json()->view(),
      R"({"columns":[{"name":"b","type":"boolean"},{"name":"i8","type":"integer"},{"name":"i16","type":"integer"},)"
      R"({"name":"i32","type":"integer"},{"name":"i64","type":"integer"},{"name":"u8","type":"integer"},{"name":"u16","type":"integer"},)"
      R"({"name":"u32","type":"integer"},{"name":"u64","type":"integer"},{"name":"i128","type":"integer"},{"name":"f","type":"number"},)"
      R"({"name":"d","type":"number"},{"name":"cents","type":"number"},{"name":"whole","type":"integer"},{"name":"t","type":"text"},)"
      R"({"name":"e","type":"text"},{"name":"ts","type":"timestamp"},{"name":"ts_s","type":"timestamp"},{"name":"ts_ms","type":"timestamp"},)"
      R"({"name":"ts_ns","type":"timestamp"},{"name":"tz","type":"timestamp"},{"name":"day","type":"date"},{"name":"n","type":"integer"}],)"
      R"("rows":[[true,1,-2,3,4,5,6,7,8,9,1.5,2.5,1.25,12,"x","red","2001-06-30T12:34:00Z","2001-06-30T12:34:00Z",)"
      R"("2001-06-30T12:34:00.001000Z","2001-06-30T12:34:00.000001Z","2001-06-30T12:34:00Z","2001-06-30",null]]})");
}

TEST_F(arrow_results, makes_a_number_of_an_integer_that_does_not_fit) {
  const auto fits = query("SELECT sum(x) s FROM (VALUES (9223372036854775806::BIGINT), (1)) t(x)");
  EXPECT_EQ(fits->columns()[0].type, value_type::integer);
  EXPECT_EQ(fits->at(0, 0), cell(std::int64_t{9223372036854775807}));
  const auto wide = query(
      "SELECT x FROM (VALUES (1::HUGEINT), (NULL), (18446744073709551616::HUGEINT), (-5)) t(x)");
  EXPECT_EQ(wide->columns()[0].type, value_type::number);
  EXPECT_EQ(wide->at(0, 0), cell(1.0));
  EXPECT_EQ(wide->at(1, 0), cell());
  EXPECT_EQ(wide->at(2, 0), cell(18446744073709551616.0));
  EXPECT_EQ(wide->at(3, 0), cell(-5.0));
  EXPECT_EQ(query("SELECT 18446744073709551615::UBIGINT x")->at(0, 0),
            cell(18446744073709551615.0));
}

TEST_F(arrow_results, agrees_with_duckdb_over_many_rows_with_nulls) {
  constexpr std::size_t rows = 10'000;
  const auto made = query(
      "SELECT CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS a, CASE WHEN i % 7 = 0 THEN NULL ELSE "
      "'text ' || i END AS t, "
      "CASE WHEN i > 5000 AND i % 2 = 0 THEN NULL ELSE i % 5 = 0 END AS b FROM range(10000) r(i) "
      "ORDER BY i");
  ASSERT_EQ(made->rows(), rows);
  for (std::size_t row = 0; row < rows; ++row) {
    ASSERT_EQ(made->at(row, 0), row % 3 == 0 ? cell() : cell(static_cast<std::int64_t>(row)));
    const std::string text = "text " + std::to_string(row);
    ASSERT_EQ(made->at(row, 1), row % 7 == 0 ? cell() : cell(std::string_view(text)));
    ASSERT_EQ(made->at(row, 2), row > 5000 && row % 2 == 0 ? cell() : cell(row % 5 == 0));
  }
}

TEST_F(arrow_results, writes_special_values) {
  const auto made = query(
      "SELECT 'NaN'::DOUBLE a, 'Infinity'::DOUBLE b, '-Infinity'::DOUBLE c, 'infinity'::TIMESTAMP "
      "d, '-infinity'::DATE e, "
      "'a\"b,c' f, '' g, 'line\r\n\tend' h, 'Zürich 東京 🛫' i, chr(0) || 'x' j");
  EXPECT_NE(
      made->json()->view().find(
          R"("rows":[[null,null,null,null,null,"a\"b,c","","line\r\n\tend","Zürich 東京 🛫","\u0000x"]]})"),
      std::string_view::npos)
      << made->json()->view();
  EXPECT_EQ(made->csv()->view(),
            std::string_view("a,b,c,d,e,f,g,h,i,j\r\nNaN,Infinity,-Infinity,Infinity,-Infinity,"
                             "\"a\"\"b,c\",\"\",\"line\r\n\tend\","
                             "Zürich 東京 🛫,\0x\r\n",
                             112))
      << made->csv()->view();
}

TEST_F(arrow_results, has_no_rows_when_there_are_none) {
  const auto made = query("SELECT 1 AS a, 'x' AS t WHERE false");
  EXPECT_EQ(made->rows(), 0U);
  EXPECT_EQ(made->json()->view(),
            R"({"columns":[{"name":"a","type":"integer"},{"name":"t","type":"text"}],"rows":[]})");
  EXPECT_EQ(made->csv()->view(), "a,t\r\n");
}

TEST_F(arrow_results, equal_content_has_equal_bytes) {
  // What stands in the slots of nulls differs between the two; it must not show.
  const auto first = query(
      "SELECT CASE WHEN i = 1 THEN NULL ELSE i END x, CASE WHEN i = 1 THEN NULL ELSE "
      "'abcdefghijklmnop' || i END t FROM range(3) r(i)");
  const auto second = query(
      "SELECT nullif(i, 1) x, nullif('abcdefghijklmnop' || i, 'abcdefghijklmnop1') t FROM range(3) "
      "r(i)");
  EXPECT_EQ(first->arrow().view(), second->arrow().view());
  EXPECT_EQ(first->digest(), second->digest());
  EXPECT_NE(first->digest(), query("SELECT 1 x, 'a' t")->digest());
}

TEST_F(arrow_results, refuses_results_that_are_too_large) {
  const auto refused = try_query("SELECT repeat('x', 1000) FROM range(10000)", 1 << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, error_code::too_large);
  EXPECT_FALSE(refused.error().hint.empty());
}

TEST_F(arrow_results, refuses_texts_that_are_too_large) {
  // A bit each as Arrow, five characters each as text.
  const auto made = try_query("SELECT i % 2 = 0 AS even FROM range(10000) r(i)", 20'000);
  ASSERT_TRUE(made);
  EXPECT_LT((*made)->arrow().size(), 20'000U);
  ASSERT_FALSE((*made)->json());
  EXPECT_EQ((*made)->json().error().code, error_code::too_large);
  EXPECT_NE((*made)->json().error().hint.find("arrow"), std::string::npos);
  ASSERT_FALSE((*made)->csv());
  EXPECT_EQ((*made)->csv().error().code, error_code::too_large);
}

TEST_F(arrow_results, estimates_what_its_texts_take) {
  for (const char* sql :
       {"SELECT i % 2 = 0 AS b FROM range(1000) r(i)",
        "SELECT -i - 9000000000000000000 AS i FROM range(200) r(i)",
        "SELECT 1e-300 / (i + 3) AS n, NULL::DOUBLE AS x FROM range(1000) r(i)",
        "SELECT TIMESTAMP '2001-06-30 12:34:00.123456' AS t, DATE '2001-06-30' AS d FROM "
        "range(1000) r(i)",
        "SELECT repeat('x', i) AS t, '' AS e, NULL::VARCHAR AS n FROM range(1000) r(i)"}) {
    const auto made = query(sql);
    const auto columns_bytes = 200U;
    EXPECT_GE(rendered_bytes_estimate(*made) + columns_bytes, made->json()->size()) << sql;
    EXPECT_GE(rendered_bytes_estimate(*made) + columns_bytes, made->csv()->size()) << sql;
  }
}

TEST_F(arrow_results, shares_what_it_renders) {
  const auto made = query("SELECT 1 AS a");
  EXPECT_EQ(made->json()->data(), made->json()->data());
  EXPECT_EQ(made->csv()->data(), made->csv()->data());
}

}  // namespace
}  // namespace lodestar::analytics
