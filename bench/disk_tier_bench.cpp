// A tier of a cache on disk: 100,000 entries of 1 KiB, looked up at random with a request for each,
// all of them in the kernel's cache; and put in bulk into a new file. Lodestar's store of one LMDB
// file, with envelopes that are opened and checked, beside LMDB alone and beside redb, which
// scripts/bench-peers builds as a program of its own. Everybody verifies an XXH3 over the value;
// nobody syncs.
//
// All subjects take turns; the rows are medians over the rounds. Not measured: opening, what has to
// be read from the disk, removal, eviction.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "disk_tier/entries.hpp"
#include "disk_tier/lmdb_subject.hpp"
#include "disk_tier/tier_subject.hpp"
#include "support/files.hpp"
#include "support/peer.hpp"
#include "support/report.hpp"
#include "support/rounds.hpp"

namespace {

using namespace lodestar::bench;

constexpr std::size_t value_bytes = 1'024;
// The most that Lodestar's store writes at once into a file of its usual size.
constexpr std::size_t batch = 4'096;

constexpr const char* tier = "lodestar";
constexpr const char* checked = "lmdb, bare, with checksum";
constexpr const char* touched = "lmdb, bare";
constexpr const char* redb = "redb";

struct own_options {
  unsigned rounds = 15;
};
own_options own;

void add_own_options(CLI::App& command) {
  command.add_option("--rounds", own.rounds)->check(CLI::PositiveNumber)->capture_default_str();
}

/// A file that is new in each round, and its subject.
template <class Subject, class Measure>
double with_new_file(const std::filesystem::path& folder, const entries& all,
                     const Measure& measure) {
  std::filesystem::create_directories(folder);
  const double seconds = [&] {
    Subject subject(folder / "entries", all);
    return measure(subject);
  }();
  std::filesystem::remove_all(folder);
  return seconds;
}

struct subjects {
  tier_subject tier;
  lmdb_subject lmdb;
  std::unique_ptr<peer> redb;
};

void measure_gets(report& out, subjects& all, unsigned threads, std::size_t gets) {
  const auto what = fmt::format("get, {} thread{}", threads, threads == 1 ? "" : "s");
  const double ns = 1e9 / static_cast<double>(gets);
  rounds turns;
  turns.add(tier, what, [&] { return ns * all.tier.time_gets(threads, gets); });
  turns.add(checked, what,
            [&] { return ns * all.lmdb.time_gets(threads, gets, verification::checksum); });
  turns.add(touched, what,
            [&] { return ns * all.lmdb.time_gets(threads, gets, verification::touched); });
  if (all.redb) {
    turns.add(redb, what,
              [&] { return ns * all.redb->ask(fmt::format("get {} {}", threads, gets)); });
  }
  turns.run(own.rounds);
  turns.report_all(out, "ns");
  turns.report_ratio(out, what, redb, tier, "bar: 1.5 or more");
  turns.report_difference(out, what, tier, checked, "ns", "bar: 150 or less");
}

void measure_puts(report& out, const std::filesystem::path& folder, const entries& all,
                  peer* redb_peer) {
  const std::string what = "bulk put";
  const double ns = 1e9 / static_cast<double>(all.keys.size());
  rounds turns;
  turns.add(tier, what, [&] {
    return ns * with_new_file<tier_subject>(folder / "tier", all,
                                            [](tier_subject& made) { return made.time_puts(); });
  });
  turns.add(touched, what, [&] {
    return ns * with_new_file<lmdb_subject>(
                    folder / "lmdb", all, [](lmdb_subject& made) { return made.time_puts(batch); });
  });
  if (redb_peer != nullptr) {
    turns.add(redb, what, [&] { return ns * redb_peer->ask(fmt::format("put {}", batch)); });
  }
  turns.run(own.rounds);
  turns.report_all(out, "ns");
  turns.report_ratio(out, what, redb, tier, "bar: 1.2 or more");
  turns.report_ratio(out, what, touched, tier, "no bar");
}

void measure(report& out, const arguments& given) {
  const temp_folder folder;
  const entries all = draw_entries(given.quick ? 2'000 : 100'000, value_bytes);
  const auto keys = folder.path() / "keys";
  write_keys(keys, all);
  if (given.quick) own.rounds = 1;
  subjects made{tier_subject(folder.path() / "tier.lmdb", all),
                lmdb_subject(folder.path() / "bare.lmdb", all),
                peer::start(out, redb,
                            {"--keys", keys, "--value-bytes", std::to_string(value_bytes),
                             "--folder", folder.path()})};
  out.note(
      fmt::format("{} entries of {} bytes; {} rounds", all.keys.size(), value_bytes, own.rounds));
  static_cast<void>(made.tier.time_puts());
  static_cast<void>(made.lmdb.time_puts(batch));
  for (const unsigned threads : {1U, 2U})
    if (given.wants("get")) measure_gets(out, made, threads, all.keys.size());
  if (given.wants("bulk put")) measure_puts(out, folder.path() / "new", all, made.redb.get());
}

}  // namespace

int main(int argc, char** argv) {
  return run("disk_tier", argc, argv, measure, add_own_options);
}
