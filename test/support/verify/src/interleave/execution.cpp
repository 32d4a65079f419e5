#include "execution.hpp"

#include <fmt/format.h>

#include <bit>
#include <utility>

#include <lodestar/base/assert.hpp>

namespace lodestar::interleave::detail {
namespace {

thread_local execution* running_execution = nullptr;

}  // namespace

execution::execution(const program& what, chooser& choices, const limits& within)
    : program_(what), choices_(choices), limits_(within) {
  LODESTAR_ASSERT(what.threads.size() < threads_max, "a scenario has at most 7 threads");
  fibers_.push_back(std::make_unique<fiber>([this] {
    for (;;) {
      guarded([this] { main_body(); });
      fibers_[0]->switch_to(outside_);
    }
  }));
  for (std::size_t index = 1; index <= what.threads.size(); ++index) {
    const auto thread = static_cast<thread_index>(index);
    fibers_.push_back(std::make_unique<fiber>([this, thread] {
      for (;;) thread_body(thread);
    }));
  }
}

std::optional<violation> execution::run() {
  memory_.reset();
  heap_.reset();
  events_.clear();
  running_ = 0;
  alone_ = true;
  ready_ = 0;
  resting_ = 0;
  unfinished_ = 0;
  steps_ = 0;
  auto* const outer = std::exchange(running_execution, this);
  outside_.switch_to(*fibers_[0]);
  running_execution = outer;
  return std::move(found_fault_);
}

execution& execution::current() {
  LODESTAR_ASSERT(running_execution != nullptr,
                  "simulated objects exist only inside of a scenario");
  return *running_execution;
}

// --- threads

void execution::main_body() {
  program_.set_up();
  run_threads();
  program_.finish();
  check_leaks();
}

void execution::run_threads() {
  for (std::size_t index = 1; index < fibers_.size(); ++index) {
    const auto thread = static_cast<thread_index>(index);
    memory_.start(0, thread);
    unfinished_ |= bit(thread);
  }
  if (unfinished_ == 0) return;
  ready_ = unfinished_;
  alone_ = false;
  move_on();  // The last one to end comes back here.
  alone_ = true;
  for (std::size_t index = 1; index < fibers_.size(); ++index) {
    memory_.join(0, static_cast<thread_index>(index));
  }
}

void execution::thread_body(thread_index thread) {
  note(operation::begin);
  guarded(program_.threads[thread - 1U]);
  note(operation::end);
  unfinished_ &= ~bit(thread);
  ready_ &= ~bit(thread);
  unfinished_ == 0 ? resume(0) : move_on();
}

void execution::guarded(const std::function<void()>& body) {
  std::string thrown;
  try {
    body();
    return;
  } catch (const std::exception& error) {
    thrown = error.what();
  } catch (...) {
    thrown = "something that is not a std::exception";
  }
  // Outside of the handler: an execution that is given up leaves no handler open.
  give_up(fault::exception, fmt::format("{} throws: {}", name_of(running_), thrown));
}

void execution::check_leaks() {
  for (const auto& each : heap_.all()) {
    if (each.alive) {
      give_up(fault::leak, fmt::format("{} is never destroyed", heap_.describe(each.begin)));
    }
  }
}

void execution::step() {
  if (++steps_ <= limits_.steps_max) return;
  give_up(fault::livelock,
          fmt::format("no end after {} operations: a livelock, or a loop that waits without "
                      "yield() or pause()",
                      limits_.steps_max));
}

void execution::point() {
  step();
  if (alone_) return;
  const auto others = ready_ & ~resting_ & ~bit(running_);
  if (others == 0) return;
  const auto count = static_cast<std::size_t>(std::popcount(others));
  const auto chosen = choices_.choose(choice::preemption, count + 1);
  if (chosen > 0) resume(nth_after_running(others, chosen - 1));
}

void execution::move_on() {
  auto able = ready_ & ~resting_ & ~bit(running_);
  if (able == 0) {
    wake_resting();
    able = ready_;
  }
  if (able == 0) report_deadlock();
  const auto count = static_cast<std::size_t>(std::popcount(able));
  resume(nth_after_running(able, choices_.choose(choice::thread, count)));
}

void execution::resume(thread_index next) {
  const auto last = std::exchange(running_, next);
  if (next != last) fibers_[last]->switch_to(*fibers_[next]);
}

thread_index execution::nth_after_running(thread_mask among, std::size_t nth) const {
  auto thread = running_;
  do {
    thread = static_cast<thread_index>((thread + 1U) % fibers_.size());
  } while ((among & bit(thread)) == 0 || nth-- > 0);
  return thread;
}

void execution::report_deadlock() {
  std::string text = "nobody can go on";
  for (std::size_t index = 1; index < fibers_.size(); ++index) {
    const auto thread = static_cast<thread_index>(index);
    if ((unfinished_ & bit(thread)) == 0) continue;
    const auto mutex = waiting_for_[thread];
    text += fmt::format("; {} waits for {}, which {} holds", name_of(thread), name(mutex),
                        name_of(memory_.at(mutex).holder));
  }
  give_up(fault::deadlock, std::move(text));
}

void execution::give_up(fault what, std::string text) {
  found_fault_ = violation{.what = what,
                           .text = std::move(text),
                           .schedule = choices_.schedule(),
                           .seed = choices_.seed(),
                           .trace = write_trace(events_, memory_, heap_)};
  fibers_[running_]->switch_to(outside_);
  LODESTAR_ASSERT(false, "an execution that is given up is not resumed");
}

}  // namespace lodestar::interleave::detail
