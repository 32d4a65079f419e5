#include "cache_throughput/interleaved_run.hpp"

#include <fmt/format.h>

#include "cache_throughput/processor_time.hpp"

namespace lodestar::bench {
namespace {

/// A cell whose reads are all hits, as everything is in the cache and nothing is evicted.
result<cell_result> run_checked(subject& runs, const cell& wanted) {
  const auto before_s = processor_seconds(runs.process());
  auto done = runs.run(wanted);
  if (!done) return done;
  // Without a process, the run has failed.
  done->processor_seconds = processor_seconds(runs.process()).value_or(0) - before_s.value_or(0);
  if (done->hits != done->reads)
    return fail(error_code::internal,
                fmt::format("{} of {} reads missed", done->reads - done->hits, done->reads),
                fmt::format("{}, {}", runs.name(), wanted.group.name()),
                "every key was inserted and the cache is not full: it loses entries, or its writes "
                "are not atomic");
  return done;
}

/// All cases: a compiler that has seen only one thread, or only readers, has optimised for that.
result<void> let_compile(subject& runs, const run_plan& plan) {
  for (const auto& group : plan.groups) {
    if (const auto done = run_checked(runs, {group, plan.compilation}); !done)
      return std::unexpected(done.error());
  }
  return {};
}

result<cell_result> run_cell(subject& runs, const run_plan& plan, const thread_group& group,
                             unsigned round) {
  if (const auto warm = run_checked(runs, {group, plan.warm_up}); !warm) return warm;
  const auto first = run_checked(runs, {group, plan.cell});
  const bool repeats = first && round == 0 && runs.compiled_while_running();
  return repeats ? run_checked(runs, {group, plan.cell}) : first;
}

}  // namespace

result<std::vector<measured_case>> run_interleaved(
    const run_plan& plan, const std::vector<participant>& subjects,
    const std::function<void(unsigned)>& begin_round) {
  std::vector<measured_case> cases;
  for (const auto& group : plan.groups)
    cases.push_back({group, std::vector<rounds_of_subject>(subjects.size())});
  for (const auto& each : subjects) {
    if (!each.runs->compiled_while_running()) continue;
    if (const auto compiled = let_compile(*each.runs, plan); !compiled)
      return std::unexpected(compiled.error());
  }
  for (unsigned round = 0; round < plan.rounds; ++round) {
    begin_round(round);
    for (auto& each : cases) {
      for (std::size_t index = 0; index < subjects.size(); ++index) {
        const auto done = run_cell(*subjects[index].runs, plan, each.group, round);
        if (!done) return std::unexpected(done.error());
        each.subjects[index].push_back(*done);
      }
    }
  }
  return cases;
}

}  // namespace lodestar::bench
