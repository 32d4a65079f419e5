// Runs a scenario in many ways; see <verify/interleave.hpp>.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <verify/interleave/objects.hpp>

namespace lodestar::interleave {

/// Every execution with up to so many preemptions (a switch away from a thread that could go on),
/// loads that return another than the newest store, and weak compare-exchanges that fail for
/// nothing.
struct context_bound {
  int preemptions_max = 2;
  int stale_reads_max = 2;
  int spurious_failures_max = 1;
  std::uint64_t executions_max = 2'000'000;
};

/// Executions drawn by chance, each from a seed of its own: `seed`, `seed` + 1, … A report names
/// the seed of its execution; with that one and `executions` 1 it is repeated.
struct random_walk {
  std::uint64_t executions = 10'000;
  std::uint64_t seed = 1;
};

/// The one execution that a report names by its schedule.
struct replay {
  std::string schedule;
};

using search = std::variant<context_bound, random_walk, replay>;

struct limits {
  /// Operations of one execution; more of them count as a livelock.
  std::uint32_t steps_max = 5'000;
};

enum class fault : std::uint8_t {
  failed_check,
  data_race,
  use_after_free,
  double_free,
  leak,
  deadlock,
  livelock,
  misuse,          // Of the simulated objects, as unlocking a mutex of another thread.
  exception,       // A thread's body threw.
  not_repeatable,  // The scenario does different things for the same schedule.
};
[[nodiscard]] const char* to_string(fault what) noexcept;

struct violation {
  fault what = fault::failed_check;
  std::string text;
  std::string schedule;
  std::uint64_t seed = 0;  // Of a random walk.
  std::string trace;       // Every operation, one a line.
};

struct outcome {
  std::optional<violation> found;
  std::uint64_t executions = 0;
  /// Whether everything within the bounds was executed; never for a random walk.
  bool exhausted = false;

  [[nodiscard]] bool found_a(fault what) const noexcept {
    return found.has_value() && found->what == what;
  }
  /// For a person: what happened, how to repeat it, the trace.
  [[nodiscard]] std::string report() const;
};

namespace detail {
struct program {
  std::function<void()> set_up;
  std::vector<std::function<void()>> threads;
  std::function<void()> finish;
};
[[nodiscard]] outcome explore(const program& what, const search& how, const limits& within);
}  // namespace detail

/// A scenario is a class: its constructor sets up, `threads` (at most 7) run at once on the object,
/// finally(), if there is one, runs when they have ended, then its destructor. All of it happens
/// once an execution and must do the same each time; it must not block or use real threads.
template <class Scenario>
[[nodiscard]] outcome explore(
    const search& how,
    std::initializer_list<std::type_identity_t<std::function<void(Scenario&)>>> threads,
    const limits& within = {}) {
  Scenario* scenario = nullptr;
  detail::program program;
  program.set_up = [&scenario] { scenario = make<Scenario>(); };
  for (const auto& body : threads) {
    program.threads.emplace_back([&scenario, &body] { body(*scenario); });
  }
  program.finish = [&scenario] {
    if constexpr (requires { scenario->finally(); }) scenario->finally();
    destroy(scenario);
  };
  return detail::explore(program, how, within);
}

}  // namespace lodestar::interleave
