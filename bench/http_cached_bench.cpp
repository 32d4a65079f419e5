// A cached query result of about 4 KiB over HTTP, GET /api/queries/readings of the whole binary,
// against nginx serving a file with the same bytes (open_file_cache on, access log off): one thread
// against one worker, 100 keep-alive connections, wrk with one thread, in turns.
//
// Lodestar's side parses the request, finds the query and its entry in the cache, compares
// positions, and sends the rendering that the entry keeps; the server's own counter shows that
// DuckDB ran nothing meanwhile.
//
// Not measured: TLS, HTTP/2, compression, new connections, misses. wrk shares the machine with the
// server.
#include <fmt/format.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <thread>

#include "support/files.hpp"
#include "support/http.hpp"
#include "support/process.hpp"
#include "support/report.hpp"

namespace {

using namespace lodestar::bench;
namespace fs = std::filesystem;

constexpr int connections = 100;
constexpr const char* target = "/api/queries/readings";

struct wrk_result {
  double requests_per_s = 0;
  double p99_ms = 0;
};

/// "1.23ms", "456.00us" or "1.02s" in milliseconds.
double milliseconds_of(const std::string& text) {
  const double value = std::atof(text.c_str());
  if (text.ends_with("us")) return value / 1e3;
  return text.ends_with("ms") ? value : value * 1e3;
}

std::string word_after(const std::string& text, std::string_view mark) {
  const auto at = text.find(mark);
  if (at == std::string::npos)
    throw std::runtime_error("wrk did not say " + std::string(mark) + ":\n" + text);
  const auto begin = text.find_first_not_of(' ', at + mark.size());
  return text.substr(begin, text.find_first_of(" \n", begin) - begin);
}

wrk_result drive(const std::string& wrk, const std::string& url, int seconds) {
  const auto done = run_to_end({wrk, "-t1", fmt::format("-c{}", connections),
                                fmt::format("-d{}s", seconds), "--latency", url});
  if (done.exit_code != 0 || done.output.contains("Non-2xx") ||
      done.output.contains("Socket errors")) {
    throw std::runtime_error("wrk saw errors:\n" + done.output);
  }
  return {std::atof(word_after(done.output, "Requests/sec:").c_str()),
          milliseconds_of(word_after(done.output, "99%"))};
}

/// nginx with a configuration, a document and a prefix of its own.
class nginx_server {
 public:
  nginx_server(const std::string& program, const fs::path& prefix, const std::string& document)
      : port_(free_port()),
        process_((write_files(prefix, document),
                  std::vector<std::string>{program, "-p", prefix, "-c", prefix / "nginx.conf", "-e",
                                           prefix / "error.log"})) {
    for (int attempt = 0; !can_connect(port_); ++attempt) {
      if (attempt == 100)
        throw std::runtime_error("nginx does not start:\n" + read_text(prefix / "error.log"));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  [[nodiscard]] std::string url() const {
    return fmt::format("http://127.0.0.1:{}/readings.json", port_);
  }

 private:
  void write_files(const fs::path& prefix, const std::string& document) const {
    write_texts(
        prefix,
        {{"document/readings.json", document},
         {"nginx.conf",
          fmt::format(
              "daemon off; master_process off; worker_processes 1; pid nginx.pid;\n"
              "events {{ worker_connections 1024; }}\n"
              "http {{ access_log off; sendfile on; tcp_nopush on; keepalive_timeout 75;\n"
              "keepalive_requests 1000000000; open_file_cache max=100; open_file_cache_valid 60s;\n"
              "types {{ application/json json; }}\n"
              "client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
              "uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
              "server {{ listen 127.0.0.1:{}; root {}; }} }}\n",
              port_, (prefix / "document").string())}});
  }

  std::uint16_t port_;
  child_process process_;
};

struct subject {
  std::string name;
  std::string url;
  sample rates{}, latencies{};
};

void measure_in_turns(std::vector<subject>& subjects, const std::string& wrk, int runs,
                      int seconds) {
  for (int index = 0; index < runs; ++index) {
    for (auto& each : subjects) {
      const auto result = drive(wrk, each.url, seconds);
      each.rates.add(result.requests_per_s);
      each.latencies.add(result.p99_ms);
    }
  }
}

void measure(report& out, const arguments& given) {
  const auto wrk = find_program("wrk");
  if (!wrk) return out.note("left out: wrk is not installed (apt-get install wrk)");
  const temp_folder folder;
  write_small_project(folder.path() / "project");
  const lodestar_server server(folder.path() / "project", folder.path() / "data",
                               {"--server-threads", "1"});
  const auto first = expect_success(http_connection(server.port()).get(target));
  const std::string what = fmt::format("{} B, {} keep-alive", first.body.size(), connections);

  std::vector<subject> subjects = {{"lodestar, 1 thread", server.url() + target}};
  std::optional<nginx_server> nginx;
  if (const auto program = find_program("nginx")) {
    nginx.emplace(*program, folder.path() / "nginx", first.body);
    subjects.push_back({"nginx, 1 worker", nginx->url()});
  } else {
    out.note("left out: nginx is not installed (apt-get install nginx-light)");
  }
  const double executions_before = server.metric("lodestar_analytics_query_seconds_count");
  measure_in_turns(subjects, *wrk, given.quick ? 1 : 5, given.quick ? 1 : 4);
  for (const auto& each : subjects) {
    out.add(each.name, what, "rate", "requests/s", each.rates.median());
    out.add(each.name, what, "latency p99", "ms", each.latencies.median());
  }
  out.add(subjects[0].name, what, "queries run by DuckDB", "",
          server.metric("lodestar_analytics_query_seconds_count") - executions_before);
  if (nginx)
    out.add("lodestar / nginx", what, "ratio of rates (bar: 0.9)", "",
            subjects[0].rates.median() / subjects[1].rates.median());
  out.note(
      "not measured: TLS, HTTP/2, compression, new connections, misses; wrk shares the machine "
      "with the server");
}

}  // namespace

int main(int argc, char** argv) {
  return run("http_cached", argc, argv, measure);
}
