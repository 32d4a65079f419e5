// What every benchmark prints and writes: a table, and with --json FILE the same rows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/arguments.hpp"

namespace lodestar::bench {

/// Nanoseconds of the monotonic clock.
[[nodiscard]] std::int64_t now_ns() noexcept;

class stopwatch {
 public:
  [[nodiscard]] double seconds() const noexcept {
    return static_cast<double>(now_ns() - began_ns_) / 1e9;
  }

 private:
  std::int64_t began_ns_ = now_ns();
};

/// Values of one quantity.
class sample {
 public:
  void add(double value) { values_.push_back(value); }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  /// The smallest value that is not below `share` of them; 0 of nothing.
  [[nodiscard]] double quantile(double share) const;
  [[nodiscard]] double median() const { return quantile(0.5); }

 private:
  std::vector<double> values_;
};

class report {
 public:
  explicit report(std::string name) : name_(std::move(name)) {}

  /// Prints a row and keeps it for write().
  void add(std::string subject, std::string what, std::string metric, std::string unit,
           double value);
  /// Keeps a row that the benchmark prints in a form of its own.
  void keep(std::string subject, std::string what, std::string metric, std::string unit,
            double value);
  /// The median and the 99th percentile of a sample.
  void add_quantiles(const std::string& subject, const std::string& what, const std::string& metric,
                     const std::string& unit, const sample& values);
  /// A line beside the rows: what is left out, and why.
  void note(std::string_view text);
  /// False, with a message, when the file cannot be written.
  [[nodiscard]] bool write(const std::string& file) const;

 private:
  struct row {
    std::string subject, what, metric, unit;
    double value;
  };
  std::string name_;
  std::vector<row> rows_;
};

/// The main() of a benchmark: reads the arguments, says how busy the machine is, runs `body`,
/// prints what it throws.
[[nodiscard]] int run(std::string name, int argc, char** argv,
                      const std::function<void(report&, const arguments&)>& body,
                      const std::function<void(CLI::App&)>& add_own_options = nullptr);

}  // namespace lodestar::bench
