#include "support/report.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <thread>

#include <lodestar/base/json.hpp>

namespace lodestar::bench {
namespace {

std::string machine() {
  std::string model = "unknown processor";
  std::ifstream processors("/proc/cpuinfo");
  for (std::string line; std::getline(processors, line);) {
    if (!line.starts_with("model name")) continue;
    model = line.substr(line.find(':') + 2);
    break;
  }
  return fmt::format("{} x {}", std::thread::hardware_concurrency(), model);
}

/// A thousand viewers are a thousand sockets, here and in the server that inherits the limit.
void raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::int64_t now_ns() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

double sample::quantile(double share) const {
  if (values_.empty()) return 0;
  auto ordered = values_;
  const auto rank =
      static_cast<std::size_t>(std::ceil(share * static_cast<double>(ordered.size())));
  const auto at = ordered.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::ranges::nth_element(ordered, at);
  return *at;
}

void report::add(std::string subject, std::string what, std::string metric, std::string unit,
                 double value) {
  const int digits = std::abs(value) >= 1000 ? 0 : 2;
  fmt::print("{:<28} {:<37} {:<36} {:>12.{}f} {}\n", subject, what, metric, value, digits, unit);
  std::fflush(stdout);
  keep(std::move(subject), std::move(what), std::move(metric), std::move(unit), value);
}

void report::keep(std::string subject, std::string what, std::string metric, std::string unit,
                  double value) {
  rows_.push_back({std::move(subject), std::move(what), std::move(metric), std::move(unit), value});
}

void report::add_quantiles(const std::string& subject, const std::string& what,
                           const std::string& metric, const std::string& unit,
                           const sample& values) {
  add(subject, what, metric + " p50", unit, values.quantile(0.5));
  add(subject, what, metric + " p99", unit, values.quantile(0.99));
}

void report::note(std::string_view text) {
  fmt::print("  {}\n", text);
  std::fflush(stdout);
}

bool report::write(const std::string& file) const {
  std::string out = "{\"name\":";
  append_json_string(out, name_);
  out += ",\"machine\":";
  append_json_string(out, machine());
  out += ",\"rows\":[";
  for (const auto& each : rows_) {
    out += &each == &rows_.front() ? "\n{" : ",\n{";
    for (const auto& [key, text] :
         {std::pair<std::string_view, const std::string&>{"subject", each.subject},
          {"case", each.what},
          {"metric", each.metric},
          {"unit", each.unit}}) {
      append_json_string(out, key);
      out += ':';
      append_json_string(out, text);
      out += ',';
    }
    out += fmt::format("\"value\":{:.4f}}}", each.value);
  }
  out += "\n]}\n";
  std::ofstream stream(file, std::ios::binary);
  stream << out;
  stream.flush();
  if (!stream) fmt::print(stderr, "{}: cannot be written\n", file);
  return static_cast<bool>(stream);
}

int run(std::string name, int argc, char** argv,
        const std::function<void(report&, const arguments&)>& body,
        const std::function<void(CLI::App&)>& add_own_options) {
  CLI::App command("Measures Lodestar beside an alternative (docs/reference/benchmarks.md).", name);
  arguments given;
  add_options(command, given);
  if (add_own_options) add_own_options(command);
  if (const auto ended = parse(command, argc, argv)) return *ended;
  raise_file_limit();
  report out(name);
  try {
    double load = 0;
    ::getloadavg(&load, 1);
    fmt::print("{}{}\n", machine(), given.quick ? "; a quick run, its figures mean nothing" : "");
    out.add("machine", "before the run", "load average of 1 minute", "", load);
    body(out, given);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "{}: {}\n", name, failure.what());
    return exit_failed;
  }
  return given.json.empty() || out.write(given.json) ? exit_done : exit_failed;
}

}  // namespace lodestar::bench
