// A cached result that is read in place: 1,000 rows of a number and a text. From the hit to typed
// views of both columns, and a scan of all rows through them, beside rkyv, which
// scripts/bench-peers builds as a program of its own, and which reads its archive in place as well.
//
// All subjects take turns; the rows are medians over the rounds. Not measured: making the result or
// the archive, rendering it.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <new>
#include <stdexcept>

#include <lodestar/analytics/column_view.hpp>
#include <lodestar/cache/cache.hpp>

#include "result_views/cached_rows.hpp"
#include "support/peer.hpp"
#include "support/report.hpp"
#include "support/rounds.hpp"

namespace {

thread_local std::size_t allocations = 0;

void* allocate(std::size_t bytes) {
  ++allocations;
  if (void* const made = std::malloc(bytes == 0 ? 1 : bytes)) return made;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
  return allocate(bytes);
}
void* operator new[](std::size_t bytes) {
  return allocate(bytes);
}
void operator delete(void* place) noexcept {
  std::free(place);
}
void operator delete[](void* place) noexcept {
  std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
  std::free(place);
}
void operator delete[](void* place, std::size_t) noexcept {
  std::free(place);
}

namespace {

using namespace lodestar;
using namespace lodestar::bench;

constexpr std::size_t row_count = 1'000;

constexpr const char* views = "to the views";
constexpr const char* scan = "scan of 1,000 rows";
constexpr const char* in_hand = "lodestar, result in hand";
constexpr const char* with_hit = "lodestar, hit of the cache";
constexpr const char* with_service = "lodestar, hit of the service";
constexpr const char* unchecked = "rkyv, unchecked";
constexpr const char* checked = "rkyv, checked";

struct own_options {
  unsigned rounds = 31;
};
own_options own;

void add_own_options(CLI::App& command) {
  command.add_option("--rounds", own.rounds)->check(CLI::PositiveNumber)->capture_default_str();
}

struct row_views {
  analytics::number_view number;
  analytics::text_view text;
};

row_views views_of(const analytics::query_result& from) {
  const auto number = analytics::numbers(from, 0);
  const auto text = analytics::texts(from, 1);
  if (!number || !text) throw std::runtime_error("a column has another type");
  return {*number, *text};
}

row_sums sums_of(const row_views& of) {
  row_sums sums;
  for (const double number : of.number.values) sums.numbers += number;
  for (std::size_t row = 0; row < of.text.size(); ++row) {
    const std::string_view text = of.text[row];
    sums.text_bytes += text.size();
    for (const char byte : text) sums.bytes_sum += static_cast<unsigned char>(byte);
  }
  return sums;
}

/// Makes the compiler believe that the value is used, and may be another one afterwards.
template <class Value>
void keep(Value& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

/// Nanoseconds of one call. One that allocates is thrown: nothing is copied.
template <class Call>
double time_calls(std::size_t calls, const Call& call) {
  const std::size_t before = allocations;
  const stopwatch time;
  for (std::size_t count = 0; count < calls; ++count) call();
  const double seconds = time.seconds();
  if (allocations != before) throw std::runtime_error("reading in place allocates");
  return seconds * 1e9 / static_cast<double>(calls);
}

/// One result in a cache of its own, without the service's checks of age and position.
using result_cache = cache::cache<hash128, analytics::query_result_ptr>;

void add_views(rounds& turns, cached_rows& rows, result_cache& plain,
               const analytics::query_result_ptr& held, std::size_t calls) {
  turns.add(in_hand, views, [&held, calls] {
    const analytics::query_result* from = held.get();
    return time_calls(calls, [&] {
      keep(from);
      auto seen = views_of(*from);
      keep(seen);
    });
  });
  turns.add(with_hit, views, [&plain, key = held->digest(), calls]() mutable {
    return time_calls(calls, [&] {
      keep(key);
      const bool there = plain.with(key, [](const analytics::query_result_ptr& found) {
        auto seen = views_of(*found);
        keep(seen);
      });
      if (!there) throw std::runtime_error("the result is not in the cache");
    });
  });
  turns.add(with_service, views, [&rows, calls] {
    return time_calls(calls, [&] {
      const auto answer = rows.get();
      if (!answer) throw std::runtime_error("the result is not in the cache");
      auto seen = views_of(*answer->value);
      keep(seen);
    });
  });
}

void add_scan(rounds& turns, const analytics::query_result_ptr& held, std::size_t calls) {
  const row_sums expected = expected_sums(row_count);
  turns.add(in_hand, scan, [&held, calls, expected] {
    const analytics::query_result* from = held.get();
    return time_calls(calls, [&] {
      keep(from);
      if (sums_of(views_of(*from)) != expected) throw std::runtime_error("the sums are wrong");
    });
  });
}

void add_peer(rounds& turns, peer* rkyv, std::string subject, const std::string& what,
              const std::string& request, std::size_t calls) {
  if (rkyv == nullptr) return;
  turns.add(std::move(subject), what, [rkyv, request, calls] {
    return rkyv->ask(fmt::format("{} {}", request, calls)) * 1e9 / static_cast<double>(calls);
  });
}

void measure(report& out, const arguments& given) {
  cached_rows rows(row_count);
  const auto held = rows.get().value().value;
  const auto rkyv = peer::start(out, "rkyv", {"--rows", std::to_string(row_count)});
  result_cache plain({.entries_max = 1'000});
  plain.insert(held->digest(), held);
  const std::size_t calls = given.quick ? 100 : 1'000'000;
  const std::size_t scans = given.quick ? 10 : 5'000;
  rounds turns;
  if (given.wants(views)) {
    add_views(turns, rows, plain, held, calls);
    add_peer(turns, rkyv.get(), unchecked, views, "unchecked", calls);
    add_peer(turns, rkyv.get(), checked, views, "checked", scans);
  }
  if (given.wants(scan)) {
    add_scan(turns, held, scans);
    add_peer(turns, rkyv.get(), unchecked, scan, "scan", scans);
  }
  turns.run(given.quick ? 1 : own.rounds);
  turns.report_all(out, "ns");
  turns.report_ratio(out, scan, unchecked, in_hand, "no bar");
  out.note("the bar of the views is 21 ns; no call has allocated");
}

}  // namespace

int main(int argc, char** argv) {
  return run("result_views", argc, argv, measure, add_own_options);
}
