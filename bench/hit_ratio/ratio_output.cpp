#include "hit_ratio/ratio_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "hit_ratio/regret.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

constexpr std::size_t capacity_width = 10;
constexpr std::size_t column_width = 9;
constexpr std::string_view trace_title = "hit ratio, %";

/// Lines whose cells stand below each other.
class table_writer {
 public:
  explicit table_writer(std::size_t first_width) : first_width_(first_width) {}

  void begin_line(std::string_view first, std::string_view capacity) {
    text_ += fmt::format("{:<{}} {:>{}}", first, first_width_, capacity, capacity_width);
  }
  /// The mark stands in a column of its own, so that it moves no number.
  void add(std::string_view cell, char mark = ' ') {
    text_ += fmt::format(" {:>{}}{}", cell, column_width - 1, mark);
  }
  void end_line() {
    text_.erase(text_.find_last_not_of(' ') + 1);
    text_ += '\n';
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::size_t first_width_;
  std::string text_;
};

void add_rows(table_writer& out, std::span<const ratio_row> rows, const policy_list& policies) {
  for (const ratio_row& row : rows) {
    const auto best = best_online(row, policies);
    out.begin_line(row.trace, fmt::format("{}", row.capacity));
    for (std::size_t index = 0; index < policies.size(); ++index) {
      const bool is_best = policies[index]->online && row.hits[index] == best;
      out.add(fmt::format("{:.2f}", row.percent(index)), is_best ? '*' : ' ');
    }
    out.end_line();
  }
}

void add_summary(table_writer& out, std::string_view title, std::span<const ratio_row> rows,
                 const policy_list& policies,
                 const std::function<std::string(const regret&)>& cell) {
  out.begin_line(title, {});
  for (std::size_t index = 0; index < policies.size(); ++index)
    out.add(policies[index]->online ? cell(regret_of(index, rows, policies)) : std::string());
  out.end_line();
}

/// A field of CSV is quoted when it holds what separates fields.
std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char each : text) {
    if (each == '"') quoted += '"';
    quoted += each;
  }
  return quoted += '"';
}

}  // namespace

std::string format_table(std::span<const ratio_row> rows, const policy_list& policies) {
  std::size_t width = trace_title.size();
  for (const ratio_row& row : rows) width = std::max(width, row.trace.size());
  table_writer out(width);
  out.begin_line(trace_title, "capacity");
  for (const policy_kind* each : policies) out.add(each->name);
  out.end_line();
  add_rows(out, rows, policies);
  if (std::ranges::none_of(policies, &policy_kind::online) || rows.empty()) return out.take();
  out.end_line();
  add_summary(out, "mean regret", rows, policies,
              [](const regret& each) { return fmt::format("{:.2f}", each.mean); });
  add_summary(out, "max regret", rows, policies,
              [](const regret& each) { return fmt::format("{:.2f}", each.max); });
  add_summary(out, "row wins", rows, policies,
              [](const regret& each) { return fmt::format("{}", each.wins); });
  return out.take();
}

std::string format_csv(const ratio_row& row, const policy_list& policies) {
  std::string lines;
  for (std::size_t index = 0; index < policies.size(); ++index) {
    lines += fmt::format("{},{},{},{:.4f}\n", csv_field(row.trace), policies[index]->name,
                         row.capacity, row.percent(index));
  }
  return lines;
}

}  // namespace lodestar::bench::hit_ratio
