// A 4 KiB answer that is serialised already, against nginx serving a 4 KiB file (open_file_cache
// on, access log off): one thread against one worker, 100 keep-alive connections, wrk with one
// thread, alternating runs of 5 s.
//
// Not measured: TLS, HTTP/2, large bodies, new connections. wrk shares the machine with the server
// under test.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <fmt/format.h>

#include <lodestar/web/server.hpp>

#include "testing/bench_report.hpp"
#include "testing/client.hpp"

namespace {

namespace fs = std::filesystem;
using namespace lodestar;
using namespace lodestar::web;

constexpr std::size_t body_bytes = 4'096;
constexpr int runs = 5;
constexpr int run_seconds = 5;
constexpr int connections = 100;

bool has_program(const std::string& name) {
  return std::system(
             fmt::format("PATH=$PATH:/usr/sbin command -v {} >/dev/null 2>&1", name).c_str()) == 0;
}

/// nginx with a configuration, a document and a prefix of its own, ended by its process id.
class nginx_process {
 public:
  nginx_process() : folder_(make_folder()), port_(testing::free_port()) {
    write("index.html", std::string(body_bytes, 'x'));
    write("nginx.conf", configuration());
    process_ = ::fork();
    if (process_ == 0) {
      const std::string conf = (folder_ / "nginx.conf").string();
      ::setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin", 1);
      ::execlp("nginx", "nginx", "-p", folder_.c_str(), "-c", conf.c_str(), "-e", "error.log",
               nullptr);
      ::_exit(127);
    }
  }
  ~nginx_process() {
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  nginx_process(const nginx_process&) = delete;
  nginx_process& operator=(const nginx_process&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] bool wait_until_ready() const {
    for (int i = 0; i < 100; ++i) {
      if (testing::can_connect(port_)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

 private:
  static fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "lodestar-http-bench-XXXXXX").string();
    return ::mkdtemp(name.data());
  }
  void write(const char* name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string configuration() const {
    return fmt::format(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid;\n"
        "events {{ worker_connections 1024; }}\n"
        "http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; "
        "keepalive_timeout 75;\n"
        "open_file_cache max=100; open_file_cache_valid 60s; types {{ text/html html; }}\n"
        "client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; "
        "uwsgi_temp_path uwsgi;\n"
        "scgi_temp_path scgi;\n"
        "server {{ listen 127.0.0.1:{}; root {}; }} }}\n",
        port_, folder_.string());
  }

  fs::path folder_;
  std::uint16_t port_;
  pid_t process_ = -1;
};

/// Requests a second, or nothing when wrk failed or saw errors.
std::optional<double> drive(std::uint16_t port) {
  const std::string command = fmt::format("wrk -t1 -c{} -d{}s http://127.0.0.1:{}/index.html 2>&1",
                                          connections, run_seconds, port);
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return std::nullopt;
  std::string output;
  for (std::array<char, 512> line; std::fgets(line.data(), line.size(), pipe);)
    output += line.data();
  const bool failed = ::pclose(pipe) != 0;
  const std::size_t at = output.find("Requests/sec:");
  if (failed || at == std::string::npos || output.find("Non-2xx") != std::string::npos) {
    fmt::print(stderr, "wrk:\n{}", output);
    return std::nullopt;
  }
  return std::strtod(output.c_str() + at + 13, nullptr);
}

/// Prints the runs and gives the median.
bool measure(std::string_view subject, std::uint16_t port, std::vector<double>& results) {
  const auto rate = drive(port);
  if (!rate) return false;
  fmt::print("  {:<10} {:>9.0f} requests/s\n", subject, *rate);
  std::fflush(stdout);
  results.push_back(*rate);
  return true;
}

int run(int argc, char** argv) {
  if (!has_program("wrk")) {
    fmt::print("left out: wrk is not installed (apt-get install wrk)\n");
    return 0;
  }
  metrics_registry metrics;
  server_options options;
  options.port = 0;
  options.threads = 1;
  const response ready = response::text(200, "text/html", std::string(body_bytes, 'x'));
  auto ours =
      server::start(options, [&](const request&, exchange wire) { wire.send(ready); }, metrics);
  if (!ours) {
    fmt::print(stderr, "{}\n", ours.error().describe());
    return 1;
  }
  std::optional<nginx_process> nginx;
  if (has_program("nginx")) nginx.emplace();
  if (nginx && !nginx->wait_until_ready()) {
    fmt::print(stderr, "nginx did not start\n");
    return 1;
  }
  if (!nginx) fmt::print("left out: nginx is not installed (apt-get install nginx-light)\n");

  std::vector<double> our_rates;
  std::vector<double> nginx_rates;
  for (int i = 0; i < runs; ++i) {
    if (nginx && !measure("nginx", nginx->port(), nginx_rates)) return 1;
    if (!measure("lodestar", (*ours)->port(), our_rates)) return 1;
  }
  (*ours)->stop(0);

  testing::bench_report report("http_cached");
  const std::string what = "4 KiB body, 100 keep-alive";
  const double our_rate = testing::median(our_rates);
  report.add({"lodestar, 1 thread", what, "rate, median of 5", "requests/s", our_rate});
  if (nginx) {
    const double nginx_rate = testing::median(nginx_rates);
    report.add({"nginx, 1 worker", what, "rate, median of 5", "requests/s", nginx_rate});
    report.add({"lodestar / nginx", what, "ratio of medians", "", our_rate / nginx_rate});
  }
  return report.write(argc, argv) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv);
}
