// What every benchmark of this module prints and writes: a table, and with --json FILE the same as
// rows.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <lodestar/base/json.hpp>

namespace lodestar::web::testing {

struct bench_row {
  std::string subject;
  std::string what;
  std::string metric;
  std::string unit;
  double value = 0;
};

class bench_report {
 public:
  explicit bench_report(std::string name) : name_(std::move(name)) {}

  void add(bench_row row) {
    fmt::print("{:<28} {:<34} {:<22} {:>14.2f} {}\n", row.subject, row.what, row.metric, row.value,
               row.unit);
    std::fflush(stdout);
    rows_.push_back(std::move(row));
  }

  /// Writes the file that `--json FILE` names, if any. False when it cannot be written.
  [[nodiscard]] bool write(int argc, char** argv) const {
    for (int i = 1; i + 1 < argc; ++i) {
      if (std::string_view(argv[i]) == "--json") return write_file(argv[i + 1]);
    }
    return true;
  }

 private:
  [[nodiscard]] static std::string machine() {
    std::ifstream cpus("/proc/cpuinfo");
    for (std::string line; std::getline(cpus, line);) {
      if (!line.starts_with("model name")) continue;
      return fmt::format("{} x {}", std::thread::hardware_concurrency(),
                         line.substr(line.find(':') + 2));
    }
    return "unknown";
  }

  [[nodiscard]] bool write_file(const char* path) const {
    std::string out = "{\"name\":";
    append_json_string(out, name_);
    out += ",\"machine\":";
    append_json_string(out, machine());
    out += ",\"rows\":[";
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      out += i == 0 ? "\n" : ",\n";
      append_row(out, rows_[i]);
    }
    out += "\n]}\n";
    std::ofstream file(path, std::ios::binary);
    file << out;
    file.flush();
    if (!file) fmt::print(stderr, "{}: cannot be written\n", path);
    return static_cast<bool>(file);
  }

  static void append_row(std::string& out, const bench_row& row) {
    const auto member = [&](std::string_view key, std::string_view value) {
      append_json_string(out, key);
      out += ':';
      append_json_string(out, value);
      out += ',';
    };
    out += '{';
    member("subject", row.subject);
    member("case", row.what);
    member("metric", row.metric);
    member("unit", row.unit);
    out += fmt::format("\"value\":{:.3f}}}", row.value);
  }

  std::string name_;
  std::vector<bench_row> rows_;
};

/// The middle value; sorts.
[[nodiscard]] inline double median(std::vector<double>& values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// The value below which `fraction` of them lie; sorts.
[[nodiscard]] inline double quantile(std::vector<double>& values, double fraction) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(fraction * static_cast<double>(values.size())))];
}

}  // namespace lodestar::web::testing
