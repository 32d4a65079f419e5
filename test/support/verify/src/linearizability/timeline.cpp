#include <verify/linearizability/timeline.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace lodestar::linearizability {
namespace {

constexpr std::size_t event_columns = 4;

/// The column of each moment: events stand at equal distances.
std::map<std::uint64_t, std::size_t> columns_of(const std::vector<timeline_entry>& entries) {
  std::map<std::uint64_t, std::size_t> columns;
  for (const auto& each : entries) {
    columns[each.called_at] = 0;
    columns[each.returned_at] = 0;
  }
  std::size_t next = 0;
  for (auto& [moment, column] : columns) column = event_columns * next++;
  return columns;
}

/// "|--1--|" from its call to its return, "|--1--" when it does not return.
void draw(std::string& line, const timeline_entry& entry, std::size_t number, std::size_t begin,
          std::size_t end) {
  if (line.size() <= end) line.resize(end + 1, ' ');
  for (std::size_t at = begin + 1; at < end; ++at) line[at] = '-';
  line[begin] = '|';
  line[end] = entry.returned_at == UINT64_MAX ? '-' : '|';
  const auto label = fmt::format("{}", number);
  const auto middle = begin + (end - begin - label.size() + 1) / 2;
  line.replace(middle, label.size(), label);
}

}  // namespace

std::string write_timeline(const std::vector<timeline_entry>& entries) {
  const auto columns = columns_of(entries);
  std::map<std::size_t, std::string> lines;
  std::string words;
  for (std::size_t index = 0; index < entries.size(); ++index) {
    const auto& entry = entries[index];
    draw(lines[entry.thread], entry, index + 1, columns.at(entry.called_at),
         columns.at(entry.returned_at));
    words += fmt::format("  {:3}  thread {}  {}\n", index + 1, entry.thread, entry.text);
  }
  std::string text;
  for (const auto& [thread, line] : lines) text += fmt::format("  thread {}  {}\n", thread, line);
  return fmt::format("{}{}", text, words);
}

std::string write_explanation(const std::vector<timeline_entry>& entries, std::size_t all,
                              const std::vector<std::size_t>& order, const std::string& state) {
  std::vector<std::size_t> fitting, rest;
  for (const auto index : order) fitting.push_back(index + 1);
  for (std::size_t number = 1; number <= entries.size(); ++number) {
    if (std::ranges::find(fitting, number) == fitting.end()) rest.push_back(number);
  }
  return fmt::format(
      "not linearizable: no order explains these {} of {} operations\n{}"
      "  the longest order that fits is {}; then {}, and {} cannot follow\n",
      entries.size(), all, write_timeline(entries), fmt::join(fitting, ", "), state,
      fmt::join(rest, ", "));
}

}  // namespace lodestar::linearizability
