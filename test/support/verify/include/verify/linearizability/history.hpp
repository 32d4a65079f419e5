// What happened to an object: the operations of its callers, with the moments of call and return.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <lodestar/base/assert.hpp>
#include <lodestar/base/atomics.hpp>

namespace lodestar::linearizability {

template <class Model>
struct operation {
  std::size_t thread = 0;
  std::uint64_t called_at = 0;  // Moments are numbers that only grow; no two events have the same.
  std::uint64_t returned_at = 0;
  typename Model::input input{};
  typename Model::output output{};
};

template <class Model>
using history = std::vector<operation<Model>>;

/// Records a history while it happens. Each thread writes to a buffer of its own; they share one
/// counter, which orders them more than the object alone does: what depends on missing orders is
/// found by interleave. Inside of one of its scenarios, Atomics is interleave::atomics, so that
/// what the counter orders is simulated too.
///
/// Thread-safety: each thread under its own number; take() when they have ended.
template <class Model, class Atomics = std_atomics>
class recorder {
 public:
  recorder(std::size_t threads, std::size_t operations_max) : logs_(threads) {
    for (auto& each : logs_) each.done.reserve(operations_max);
  }

  void call(std::size_t thread, typename Model::input input) {
    auto& log = logs_[thread];
    LODESTAR_ASSERT(!log.open, "a thread's operation returns before its next one");
    LODESTAR_ASSERT(log.done.size() < log.done.capacity(), "the recorder was told how many");
    log.open = true;
    log.done.push_back({.thread = thread, .input = std::move(input)});
    log.done.back().called_at = now();
  }
  void returned(std::size_t thread, typename Model::output output) {
    const auto at = now();
    auto& log = logs_[thread];
    LODESTAR_ASSERT(log.open, "an operation is called before it returns");
    log.open = false;
    log.done.back().returned_at = at;
    log.done.back().output = std::move(output);
  }
  /// Both around `operation`, which gives the output.
  template <class Operation>
  void run(std::size_t thread, typename Model::input input, Operation&& run_it) {
    call(thread, std::move(input));
    returned(thread, std::forward<Operation>(run_it)());
  }

  /// The same for one operation that is one of each of the inputs: each is recorded with its span.
  template <class Operation>
  void run(std::size_t thread, const std::vector<typename Model::input>& inputs,
           Operation&& run_it) {
    const auto called_at = now();
    const typename Model::output output = std::forward<Operation>(run_it)();
    const auto returned_at = now();
    auto& done = logs_[thread].done;
    LODESTAR_ASSERT(done.size() + inputs.size() <= done.capacity(),
                    "the recorder was told how many");
    for (const auto& each : inputs) {
      done.push_back({.thread = thread, .input = each});
      done.back().called_at = called_at;
      done.back().returned_at = returned_at;
      done.back().output = output;
    }
  }

  /// Every operation must have returned.
  [[nodiscard]] history<Model> take() {
    history<Model> all;
    for (auto& each : logs_) {
      LODESTAR_ASSERT(!each.open, "a history is taken when every operation has returned");
      for (auto& done : each.done) all.push_back(std::move(done));
      each.done.clear();
    }
    return all;
  }

 private:
  struct alignas(64) thread_log {
    std::vector<operation<Model>> done;
    bool open = false;
  };
  std::uint64_t now() { return next_.fetch_add(1, std::memory_order_seq_cst); }

  std::vector<thread_log> logs_;
  typename Atomics::template atomic<std::uint64_t> next_{1};
};

}  // namespace lodestar::linearizability
