// How many reads and writes a second Lodestar's cache does beside other caches: the protocol of
// Caffeine's GetPutBenchmark. 32,768 keys are drawn beforehand (a scrambled Zipf distribution over
// 10,922 items); every subject walks through the same ones, each thread from another offset. The
// cache could hold twice as many entries as there are keys, so that every read is a hit and nothing
// is evicted; a write replaces the value of a key that is there.
//
// Caches in C++ run in this process, in the same loops. The others are programs of their own that
// scripts/bench-peers builds; they get the same keys in a file. All subjects take turns; the rows
// are medians over the rounds. Not measured: hit ratios, misses, loading, large values.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <type_traits>

#include "cache_throughput/eviction_run.hpp"
#include "cache_throughput/interleaved_run.hpp"
#include "cache_throughput/key_file.hpp"
#include "cache_throughput/rows.hpp"
#include "cache_throughput/scrambled_zipfian.hpp"
#include "cache_throughput/subjects.hpp"
#include "support/tick_clock.hpp"
#include "support/files.hpp"
#include "support/report.hpp"

namespace {

using namespace lodestar;
using namespace lodestar::bench;
using std::chrono::milliseconds;

constexpr std::uint64_t seed = 1;

template <class T>
T expect(result<T> got) {
  if (!got) throw std::runtime_error(got.error().describe());
  if constexpr (!std::is_void_v<T>) return *std::move(got);
}

/// Draws the keys and gives them to the subjects by way of the file that the peers read.
key_numbers make_keys(const std::filesystem::path& file) {
  expect(write_keys(file, draw_keys(key_count, item_count, seed)));
  return std::make_shared<const std::vector<std::uint64_t>>(expect(read_keys(file)));
}

/// What only this benchmark can be told.
struct own_options {
  bool full = false;
  double seconds = 2;
  unsigned rounds = 5;
};

own_options own;

void add_own_options(CLI::App& command) {
  command.add_flag("--full", own.full, "More threads, evictions, and Lodestar with other options");
  command.add_option("--seconds", own.seconds, "How long each subject runs each case, each round")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--rounds", own.rounds)->check(CLI::PositiveNumber)->capture_default_str();
}

/// A quick run shows that all of it works.
bool is_full(const arguments& given) {
  return given.quick || own.full;
}

constexpr std::array<thread_group, 4> usual_groups = {{{1, 0}, {2, 0}, {2, 1}, {0, 1}}};
constexpr std::array<thread_group, 10> more_groups = {
    {{4, 0}, {8, 0}, {16, 0}, {3, 1}, {6, 2}, {12, 4}, {0, 2}, {0, 4}, {0, 8}, {0, 16}}};

std::vector<thread_group> groups_of(const arguments& given) {
  std::vector<thread_group> groups(usual_groups.begin(), usual_groups.end());
  if (is_full(given)) groups.insert(groups.end(), more_groups.begin(), more_groups.end());
  std::erase_if(groups, [&](const thread_group& each) { return !given.wants(each.name()); });
  return groups;
}

std::vector<unsigned> eviction_threads(const arguments& given) {
  std::vector<unsigned> threads;
  if (is_full(given)) threads = {1, 2, 4, 8, 16};
  std::erase_if(threads,
                [&](unsigned each) { return !given.wants(fmt::format("evict-{}t", each)); });
  return threads;
}

milliseconds cell_duration(const arguments& given) {
  if (given.quick) return milliseconds(2);
  return milliseconds(std::llround(own.seconds * 1e3));
}

run_plan plan_of(const arguments& given) {
  return {.groups = groups_of(given),
          .rounds = given.quick ? 1 : own.rounds,
          .cell = cell_duration(given),
          .warm_up = milliseconds(given.quick ? 1 : 200),
          .compilation = milliseconds(given.quick ? 1 : 5'000)};
}

participants find_participants(const arguments& given, const std::filesystem::path& keys) {
  participants found;
  const auto numbers = make_keys(keys);
  add_cpp_subjects(found, numbers);
  if (is_full(given)) add_lodestar_variants(found, numbers);
  add_peer_processes(found, source_folder() / "build/peers/bin", keys);
  return found;
}

void say_what_follows(report& out, const run_plan& plan, const participants& found) {
  for (const auto& each : found.left_out) out.note("left out: " + each);
  for (const auto& each : found.all)
    out.note(fmt::format("subject: {} ({})", each.runs->name(), each.runs->version()));
  out.note(fmt::format("{} keys, {} items, at most {} entries; {} rounds of {} ms a cell",
                       key_count, item_count, capacity_entries, plan.rounds, plan.cell.count()));
}

void measure_evictions(report& out, const arguments& given, const run_plan& plan,
                       const std::vector<participant>& subjects) {
  const auto threads = eviction_threads(given);
  if (!threads.empty())
    out.add("machine", "evict", "cost of reading the clock", "ns", tick_clock_cost_ns());
  for (const unsigned each : threads)
    add_rows(out, expect(run_evictions(each, plan.rounds, plan.cell, subjects)), subjects);
}

void measure(report& out, const arguments& given) {
  const temp_folder folder;
  const auto plan = plan_of(given);
  const auto found = find_participants(given, folder.path() / "keys");
  say_what_follows(out, plan, found);
  const auto cases = expect(run_interleaved(plan, found.all, [&](unsigned round) {
    double load = 0;
    ::getloadavg(&load, 1);
    out.note(fmt::format("round {} of {}; load average {:.2f}", round + 1, plan.rounds, load));
  }));
  for (const auto& each : cases) add_rows(out, each, found.all);
  add_hit_rates(out, cases, found.all);
  measure_evictions(out, given, plan, found.all);
}

}  // namespace

int main(int argc, char** argv) {
  return run("cache_throughput", argc, argv, measure, add_own_options);
}
