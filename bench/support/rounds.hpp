// Subjects that take turns: each round measures every one of them once, so that whatever else
// happens on the machine happens to all, and what is said of two of them is said round by round.
// Each round has another order: who comes after whom decides what the processor's caches hold.
//
//   rounds all;
//   all.add("lodestar", "get", [&] { return store.time_gets_ns(); });
//   all.add("redb", "get", [&] { return redb.time_gets_ns(); });
//   all.run(15);
//   all.report_all(out, "ns");
//   all.report_ratio(out, "get", "redb", "lodestar", "bar: 1.5 or more");
//
// Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/report.hpp"

namespace lodestar::bench {

class rounds {
 public:
  /// `measure` is called once a round, and once before the first, which is not counted.
  void add(std::string subject, std::string what, std::function<double()> measure);
  void run(unsigned count);

  /// The median and the lowest of each.
  void report_all(report& out, const std::string& unit) const;
  /// The medians, over the rounds, of `above` / `below` and of `above` - `below`; nothing where one
  /// of them was left out.
  void report_ratio(report& out, std::string_view what, std::string_view above,
                    std::string_view below, const std::string& bar) const;
  void report_difference(report& out, std::string_view what, std::string_view above,
                         std::string_view below, const std::string& unit,
                         const std::string& bar) const;

 private:
  struct cell {
    std::string subject, what;
    std::function<double()> measure;
    std::vector<double> values;
  };
  [[nodiscard]] const cell* find(std::string_view subject, std::string_view what) const;
  void report_pair(report& out, std::string_view what, const cell* above, const cell* below,
                   const std::string& metric, const std::string& unit,
                   double (*compare)(double, double)) const;

  std::vector<cell> cells_;
};

}  // namespace lodestar::bench
