// The log's part of ingest: appends through the SQLite adapter (checks, queue, group commit,
// answers) against the bare minimum, a loop of prepared inserts into the same schema with the same
// pragmas and the same checkpoints, in transactions of the same size. Both are durable per
// transaction (WAL, synchronous=FULL).
//
// One producer waits for each answer, so that a batch is a transaction, as in the raw loop. Eight
// producers share commits. Subjects alternate within a repeat; the rows are medians. Not measured:
// making the events, HTTP, parsing.
#include <fmt/format.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/metrics.hpp>
#include <lodestar/base/random.hpp>
#include <lodestar/sqlite_log/sqlite_log.hpp>

#include "support/files.hpp"
#include "support/raw_sqlite.hpp"
#include "support/report.hpp"

namespace {

using namespace lodestar;
using namespace lodestar::bench;
using batch = std::vector<log::new_event>;

struct load {
  std::size_t batch_events;
  std::size_t batches;
  [[nodiscard]] double events() const { return static_cast<double>(batch_events * batches); }
};

std::vector<batch> make_batches(const load& wanted) {
  seeded_random random(1);
  manual_clock time;
  std::vector<batch> batches(wanted.batches);
  for (auto& events : batches) {
    events.resize(wanted.batch_events);
    for (auto& event : events) {
      time.advance(microseconds(20));
      event.event_id = make_uuid_v7(time, random);
      event.aggregate_type = "Airport";
      event.aggregate_id = fmt::format("A{:03}", random.next() % 254);
      event.event_type = random.next() % 2 == 0 ? "FlightDeparted" : "FlightArrived";
      event.payload = fmt::format(R"({{"flight":"LH{}","delay":{},"distance":{},"to":"A{:03}"}})",
                                  random.next() % 10'000, random.next() % 300,
                                  random.next() % 5'000, random.next() % 254);
    }
  }
  return batches;
}

/// Events a second.
double run_adapter(const std::filesystem::path& file, const load& wanted, std::size_t producers) {
  auto batches = make_batches(wanted);
  metrics_registry metrics;
  sqlite_log::options options;
  options.file = file;
  auto log = sqlite_log::open(options, system_clock(), metrics);
  if (!log) throw std::runtime_error(log.error().describe());
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::vector<std::jthread> threads;
  const stopwatch time;
  for (std::size_t producer = 0; producer < producers; ++producer) {
    threads.emplace_back([&] {
      for (std::size_t index = next++; index < batches.size(); index = next++) {
        if (!(*log)->append_and_wait(std::move(batches[index]))) failed = true;
      }
    });
  }
  threads.clear();
  if (failed) throw std::runtime_error("an append was refused");
  return wanted.events() / time.seconds();
}

void measure_load(report& out, const load& wanted, int repeats) {
  const temp_folder folder;
  const auto file = folder.path() / "log.db";
  const auto raw_file = folder.path() / "raw.db";
  sample one, eight, raw, without_trigger, ratio;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    remove_database(file);
    const double ours = run_adapter(file, wanted, 1);
    const auto rows = read_events(file);
    const auto insert = [&](bool trigger) {
      remove_database(raw_file);
      const insert_options how{.transaction_events = wanted.batch_events,
                               .insert_trigger = trigger};
      return wanted.events() / insert_events(raw_file, rows, how).inserting_s;
    };
    const double theirs = insert(true);
    one.add(ours);
    raw.add(theirs);
    ratio.add(ours / theirs);
    without_trigger.add(insert(false));
    remove_database(file);
    eight.add(run_adapter(file, wanted, 8));
  }
  const auto what = fmt::format("batches of {}", wanted.batch_events);
  out.add("lodestar's log, 1 producer", what, "rate", "events/s", one.median());
  out.add("lodestar's log, 8 producers", what, "rate", "events/s", eight.median());
  out.add("sqlite alone", what, "rate", "events/s", raw.median());
  out.add("sqlite alone, no insert trigger", what, "rate", "events/s", without_trigger.median());
  out.add("lodestar's log / sqlite alone", what, "ratio, 1 producer", "", ratio.median());
}

void measure(report& out, const arguments& given) {
  for (const load& full : {load{100, 300}, load{10'000, 16}}) {
    measure_load(out, given.quick ? load{full.batch_events, 2} : full, given.quick ? 1 : 5);
  }
  out.note("not measured: making the events, HTTP, parsing");
}

}  // namespace

int main(int argc, char** argv) {
  return run("ingest_log", argc, argv, measure);
}
