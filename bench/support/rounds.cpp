#include "support/rounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace lodestar::bench {

void rounds::add(std::string subject, std::string what, std::function<double()> measure) {
  cells_.push_back({std::move(subject), std::move(what), std::move(measure), {}});
}

void rounds::run(unsigned count) {
  for (cell& each : cells_) static_cast<void>(each.measure());
  std::vector<cell*> order;
  for (cell& each : cells_) order.push_back(&each);
  std::mt19937_64 random(1);
  for (unsigned round = 0; round < count; ++round) {
    std::ranges::shuffle(order, random);
    for (cell* const each : order) each->values.push_back(each->measure());
  }
}

void rounds::report_all(report& out, const std::string& unit) const {
  for (const cell& each : cells_) {
    sample values;
    for (const double value : each.values) values.add(value);
    out.add(each.subject, each.what, "median", unit, values.median());
    out.add(each.subject, each.what, "lowest", unit, values.quantile(0));
  }
}

void rounds::report_ratio(report& out, std::string_view what, std::string_view above,
                          std::string_view below, const std::string& bar) const {
  report_pair(out, what, find(above, what), find(below, what), fmt::format("ratio ({})", bar), "",
              [](double a, double b) { return a / b; });
}

void rounds::report_difference(report& out, std::string_view what, std::string_view above,
                               std::string_view below, const std::string& unit,
                               const std::string& bar) const {
  report_pair(out, what, find(above, what), find(below, what), fmt::format("added ({})", bar), unit,
              [](double a, double b) { return a - b; });
}

const rounds::cell* rounds::find(std::string_view subject, std::string_view what) const {
  const auto found = std::ranges::find_if(
      cells_, [&](const cell& each) { return each.subject == subject && each.what == what; });
  return found == cells_.end() ? nullptr : &*found;
}

void rounds::report_pair(report& out, std::string_view what, const cell* above, const cell* below,
                         const std::string& metric, const std::string& unit,
                         double (*compare)(double, double)) const {
  if (above == nullptr || below == nullptr) return;
  sample values;
  for (std::size_t round = 0; round < above->values.size(); ++round)
    values.add(compare(above->values[round], below->values[round]));
  out.add(fmt::format("{} : {}", above->subject, below->subject), std::string(what), metric, unit,
          values.median());
}

}  // namespace lodestar::bench
