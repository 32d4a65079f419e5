// What a query costs over HTTP when nothing is cached (GET /api/queries/NAME?as_of=POSITION, the
// whole binary: request, queue, DuckDB, Arrow, JSON, answer) beside DuckDB alone with the same SQL
// on the same rows, in turns.
//
// The queries are those of the flights page. cold_query measures the same without HTTP and JSON.
//
// Not measured: remote clients, TLS, several clients at once.
#include <fmt/format.h>

#include "support/files.hpp"
#include "support/http.hpp"
#include "support/process.hpp"
#include "support/raw_duckdb.hpp"
#include "support/report.hpp"

namespace {

using namespace lodestar::bench;

void measure(report& out, const arguments& given) {
  const temp_folder folder;
  auto project = source_folder() / "examples/flights";
  std::string dashboard = "flights";
  if (given.quick) {
    project = folder.path() / "project";
    dashboard = "sensors";
    write_small_project(project);
  }
  const auto sql = read_project(project, dashboard);
  raw_duckdb duckdb(project);
  for (const auto& statement : sql.load) duckdb.run(statement);
  duckdb.run("CHECKPOINT");
  raw_session alone(duckdb, sql.queries);
  const lodestar_server server(project, folder.path() / "data");
  http_connection client(server.port());

  for (std::size_t index = 0; index < sql.queries.size(); ++index) {
    const std::string& name = sql.query_names[index];
    if (!given.wants(name)) continue;
    const std::string target = fmt::format("/api/queries/{}?as_of=0", name);
    const double executions_before = server.metric("lodestar_analytics_query_seconds_count");
    sample through, direct, added;
    const int rounds = given.quick ? 3 : 100;
    for (int round = 0; round < rounds; ++round) {
      const stopwatch first;
      expect_success(client.get(target));
      const double through_ms = first.seconds() * 1e3;
      const stopwatch second;
      alone.run(index, 0);
      const double direct_ms = second.seconds() * 1e3;
      through.add(through_ms);
      direct.add(direct_ms);
      added.add(through_ms - direct_ms);
    }
    out.add("lodestar over HTTP", name, "p50", "ms", through.median());
    out.add("duckdb alone", name, "p50", "ms", direct.median());
    out.add("lodestar - duckdb", name, "added p50 (bar: 1)", "ms", added.median());
    const double executions =
        server.metric("lodestar_analytics_query_seconds_count") - executions_before;
    out.add("lodestar over HTTP", name, "queries run by DuckDB", "per request",
            executions / rounds);
  }
  out.note("not measured: remote clients, TLS, several clients at once");
}

}  // namespace

int main(int argc, char** argv) {
  return run("cold_http", argc, argv, measure);
}
