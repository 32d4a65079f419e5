#include "hit_ratio/command.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>
#include <vector>

#include "hit_ratio/file_bytes.hpp"
#include "hit_ratio/generated_trace.hpp"
#include "hit_ratio/policies.hpp"
#include "hit_ratio/ratio_output.hpp"
#include "hit_ratio/replay.hpp"
#include "hit_ratio/text.hpp"
#include "hit_ratio/trace_reader.hpp"
#include "support/report.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

constexpr std::size_t threads_max = 256;

struct command_line {
  arguments common;
  std::string policies, capacities;
  std::vector<std::string> traces;
  bool csv = false;
  replay_options replay;
};

struct request {
  policy_list policies;
  std::vector<std::size_t> capacities;  ///< Empty: shares of the unique keys.
  std::vector<std::string> traces;      ///< Files and generated ones.
};

void describe(CLI::App& command, command_line& given) {
  command.add_option("trace", given.traces, "trace files, or names of generated traces")
      ->type_name("TRACE");
  command.add_option("--policies", given.policies, "comma-separated; all when not given")
      ->type_name("NAME,…");
  command
      .add_option("--capacities", given.capacities,
                  "entries, comma-separated; 1, 2, 5, 10, 20 and 50 % of the unique keys when not "
                  "given")
      ->type_name("NUMBER,…");
  command.add_flag("--csv", given.csv, "print lines of trace,policy,capacity,hit_percent");
  command
      .add_option("--threads", given.replay.threads,
                  "threads that share the cache of the policy lodestar")
      ->check(CLI::Range(std::size_t{1}, threads_max))
      ->capture_default_str();
  command.add_option("--jobs", given.replay.jobs, "cells that are measured at the same time")
      ->check(CLI::Range(std::size_t{1}, threads_max))
      ->capture_default_str();
  add_options(command, given.common);
  std::string footer = "Policies:";
  for (const policy_kind& each : all_policies()) footer += fmt::format(" {}", each.name);
  footer += fmt::format(
      "\nTraces: *.u64, ARC text, one key per line, each also as .zst; generated ones:\n{}",
      generator_help());
  command.footer(footer);
}

result<policy_list> read_policies(const std::string& names) {
  policy_list chosen;
  if (names.empty()) {
    for (const policy_kind& each : all_policies()) chosen.push_back(&each);
    return chosen;
  }
  for (const std::string_view name : split(names, ',')) {
    const auto found = find_policy(name);
    if (!found) return std::unexpected(found.error());
    chosen.push_back(*found);
  }
  return chosen;
}

result<std::vector<std::size_t>> read_capacities(const std::string& numbers) {
  std::vector<std::size_t> capacities;
  if (numbers.empty()) return capacities;
  for (const std::string_view text : split(numbers, ',')) {
    const auto capacity = parse_number<std::size_t>(text);
    if (!capacity || *capacity == 0 || *capacity > accesses_max) {
      return fail(
          error_code::invalid_argument,
          fmt::format("\"{}\" is not a whole number of entries from 1 to {}", text, accesses_max),
          "--capacities", "write --capacities 1000,2000");
    }
    capacities.push_back(*capacity);
  }
  return capacities;
}

std::vector<std::string> default_traces(bool quick) {
  if (quick)
    return {"gen:zipf:0.9:2000:20000", "gen:loop:101:10000", "gen:recency_loop:50:200:21000"};
  return {"gen:zipf:0.9:50000:500000",
          "gen:zipf_scans:0.9:50000:20000:5000:500000",
          "gen:loop:1011:100000",
          "gen:phases:0.9:50000:100000:500000",
          "gen:mixture:0.9:50000:5000:500000",
          "gen:recency:500:500000",
          "gen:recency_loop:500:1500:490000"};
}

std::string name_of(const std::string& source) {
  return is_generated(source) ? source : trace_name(source);
}

result<void> check_source(const std::string& source) {
  return is_generated(source) ? check_generated(source) : check_readable(source);
}

/// Also opens every file once, so that a mistyped name is not found after an hour.
result<request> read_request(const command_line& given) {
  auto policies = read_policies(given.policies);
  if (!policies) return std::unexpected(std::move(policies).error());
  auto capacities = read_capacities(given.capacities);
  if (!capacities) return std::unexpected(std::move(capacities).error());
  request wanted{*std::move(policies), *std::move(capacities), {}};
  for (const auto& source :
       given.traces.empty() ? default_traces(given.common.quick) : given.traces) {
    if (!given.common.wants(name_of(source))) continue;
    if (const auto usable = check_source(source); !usable) return std::unexpected(usable.error());
    wanted.traces.push_back(source);
  }
  if (wanted.traces.empty())
    return fail(error_code::invalid_argument,
                fmt::format("no trace's name contains \"{}\"", given.common.only), "--only",
                "leave it out to see the names");
  return wanted;
}

/// A line that is overwritten, when somebody watches.
class progress_line {
 public:
  explicit progress_line(bool shown) : shown_(shown) {}
  ~progress_line() { clear(); }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  void show(std::string_view text) const {
    if (!shown_) return;
    fmt::print(stderr, "\r\x1b[K{}", text);
    std::fflush(stderr);
  }
  void clear() const { show({}); }

 private:
  bool shown_;
};

result<std::vector<ratio_row>> measure_source(const std::string& source, const request& wanted,
                                              const replay_options& options,
                                              const progress_line& line) {
  line.show(fmt::format("{}: reading", source));
  const auto read = is_generated(source) ? make_generated(source) : read_trace(source);
  if (!read) return std::unexpected(read.error());
  const auto capacities =
      wanted.capacities.empty() ? default_capacities(read->unique_keys) : wanted.capacities;
  return measure(*read, capacities, wanted.policies, options,
                 [&](std::size_t done, std::size_t all) {
                   line.show(fmt::format("{}: {} of {}", read->name, done, all));
                 });
}

void keep_rows(report& out, const ratio_row& row, const policy_list& policies) {
  for (std::size_t index = 0; index < policies.size(); ++index) {
    out.keep(std::string(policies[index]->name),
             fmt::format("{}, {} entries", row.trace, row.capacity), "hit ratio", "%",
             row.percent(index));
  }
}

void print(std::string_view text) {
  fmt::print("{}", text);
  std::fflush(stdout);
}

/// Rows of CSV appear as soon as they are measured, the table at the end.
result<void> measure_all(const request& wanted, const command_line& given, report& out) {
  const progress_line line(::isatty(STDERR_FILENO) == 1);
  std::vector<ratio_row> all;
  if (given.csv) print(csv_header);
  for (const std::string& source : wanted.traces) {
    const auto rows = measure_source(source, wanted, given.replay, line);
    if (!rows) return std::unexpected(rows.error());
    line.clear();
    for (const ratio_row& row : *rows) {
      keep_rows(out, row, wanted.policies);
      if (given.csv) print(format_csv(row, wanted.policies));
      all.push_back(row);
    }
  }
  if (!given.csv) print(format_table(all, wanted.policies));
  return {};
}

int explain(const error& what) {
  fmt::print(stderr, "hit_ratio: {}\n", what.describe());
  return exit_usage;
}

}  // namespace

int run_command(int argc, const char* const* argv) {
  CLI::App command("Measures the hit ratio of cache policies on recorded or generated traces.",
                   "hit_ratio");
  command_line given;
  describe(command, given);
  if (const auto ended = parse(command, argc, argv)) return *ended;
  const auto wanted = read_request(given);
  if (!wanted) return explain(wanted.error());
  report out("hit_ratio");
  if (const auto measured = measure_all(*wanted, given, out); !measured)
    return explain(measured.error());
  return given.common.json.empty() || out.write(given.common.json) ? exit_done : exit_failed;
}

}  // namespace lodestar::bench::hit_ratio
