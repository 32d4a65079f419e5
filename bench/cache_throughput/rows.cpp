#include "cache_throughput/rows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "support/tick_clock.hpp"

namespace lodestar::bench {
namespace {

sample over_rounds(const rounds_of_subject& rounds,
                   double (cell_result::*quantity)() const noexcept) {
  sample values;
  for (const auto& each : rounds) values.add((each.*quantity)());
  return values;
}

double median_mops(const rounds_of_subject& rounds) {
  return over_rounds(rounds, &cell_result::mops).median();
}

/// Round by round, so that what the machine did beside falls out.
double median_ratio(const rounds_of_subject& above, const rounds_of_subject& below) {
  sample ratios;
  for (std::size_t round = 0; round < above.size(); ++round)
    ratios.add(above[round].mops() / below[round].mops());
  return ratios.median();
}

void add_throughput(report& out, const std::string& name, const thread_group& group,
                    const rounds_of_subject& rounds) {
  const std::string what = group.name();
  const sample all = over_rounds(rounds, &cell_result::mops);
  const auto add = [&](const char* metric, double mops) {
    out.add(name, what, metric, "Mops/s", mops);
  };
  add("throughput", all.median());
  add("throughput, lowest", all.quantile(0));
  add("throughput, highest", all.quantile(1));
  if (group.readers > 0 && group.writers > 0) {
    add("reads", over_rounds(rounds, &cell_result::reads_mops).median());
    add("writes", over_rounds(rounds, &cell_result::writes_mops).median());
  }
  out.add(name, what, "processor time per operation", "ns",
          over_rounds(rounds, &cell_result::processor_ns).median());
  out.add(name, what, "processors used", "",
          over_rounds(rounds, &cell_result::processors).median());
}

/// The peer with the highest median; the number of subjects when there is none.
std::size_t best_peer(const measured_case& measured, const std::vector<participant>& subjects) {
  std::size_t best = subjects.size();
  for (std::size_t index = 0; index < subjects.size(); ++index) {
    if (subjects[index].is != role::peer) continue;
    if (best == subjects.size() ||
        median_mops(measured.subjects[index]) > median_mops(measured.subjects[best]))
      best = index;
  }
  return best;
}

std::size_t index_of_lodestar(const std::vector<participant>& subjects) {
  return static_cast<std::size_t>(std::ranges::find(subjects, role::lodestar, &participant::is) -
                                  subjects.begin());
}

void add_ratio(report& out, const measured_case& measured, const std::vector<participant>& subjects,
               std::size_t above, std::size_t below, const char* metric) {
  out.add(fmt::format("{} / {}", subjects[above].runs->name(), subjects[below].runs->name()),
          measured.group.name(), metric, "",
          median_ratio(measured.subjects[above], measured.subjects[below]));
}

void add_latencies(report& out, const std::string& name, const std::string& what,
                   const std::string& call, const latency_histogram& times) {
  for (const auto& [label, share] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}}) {
    out.add(name, what, fmt::format("{} {}", call, label), "ns",
            static_cast<double>(times.quantile(share)) / ticks_per_ns());
  }
}

}  // namespace

void add_rows(report& out, const measured_case& measured,
              const std::vector<participant>& subjects) {
  for (std::size_t index = 0; index < subjects.size(); ++index)
    add_throughput(out, subjects[index].runs->name(), measured.group, measured.subjects[index]);
  const std::size_t ours = index_of_lodestar(subjects);
  if (const std::size_t best = best_peer(measured, subjects); best < subjects.size())
    add_ratio(out, measured, subjects, ours, best, "ratio to the best peer");
  for (std::size_t index = 0; index < subjects.size(); ++index) {
    if (subjects[index].is == role::variant)
      add_ratio(out, measured, subjects, index, ours, "ratio to the plain one");
  }
}

void add_rows(report& out, const measured_eviction& measured,
              const std::vector<participant>& subjects) {
  const std::string what = fmt::format("evict-{}t", measured.threads);
  for (std::size_t index = 0; index < subjects.size(); ++index) {
    const auto& done = measured.subjects[index];
    if (!done) continue;
    const std::string& name = subjects[index].runs->name();
    const auto count = static_cast<double>(done->inserts.count());
    out.add(name, what, "insertions", "Mops/s", count / done->seconds / 1e6);
    add_latencies(out, name, what, "insert", done->inserts);
    add_latencies(out, name, what, "get", done->gets);
    out.add(name, what, "hit rate", "%", 100 * static_cast<double>(done->hits) / count);
  }
}

void add_hit_rates(report& out, const std::vector<measured_case>& measured,
                   const std::vector<participant>& subjects) {
  for (std::size_t index = 0; index < subjects.size(); ++index) {
    double reads = 0;
    double hits = 0;
    for (const auto& each : measured) {
      for (const auto& round : each.subjects[index]) {
        reads += static_cast<double>(round.reads);
        hits += static_cast<double>(round.hits);
      }
    }
    if (reads > 0)
      out.add(subjects[index].runs->name(), "all", "hit rate", "%", 100 * hits / reads);
  }
}

}  // namespace lodestar::bench
