// Threads that begin together and work until they are told to stop.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

#include "support/report.hpp"

namespace lodestar::bench {

/// Calls operation(index) for one index after the other from `begin` on, back at 0 after `size`, a
/// power of two. Looks at `stop` now and then only. Returns the number of calls.
template <class Operation>
std::uint64_t repeat_until(const std::atomic<bool>& stop, std::size_t begin, std::size_t size,
                           Operation&& operation) {
  constexpr unsigned batch_operations = 256;
  std::uint64_t done = 0;
  do {
    for (unsigned number = 0; number < batch_operations; ++number, ++done)
      operation((begin + done) & (size - 1));
  } while (!stop.load(std::memory_order_relaxed));
  return done;
}

/// Calls body(thread, stop) on so many threads at once and sets `stop` after the duration. Returns
/// the seconds from the common begin to the end of the last thread.
template <class Body>
double run_threads(unsigned threads, std::chrono::milliseconds duration, const Body& body) {
  std::latch ready(threads);
  std::atomic<bool> go{false};
  std::atomic<bool> stop{false};
  std::vector<std::jthread> running;
  for (unsigned thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      ready.count_down();
      go.wait(false);
      body(thread, std::as_const(stop));
    });
  }
  ready.wait();
  const stopwatch time;
  go = true;
  go.notify_all();
  std::this_thread::sleep_for(duration);
  stop = true;
  running.clear();
  return time.seconds();
}

}  // namespace lodestar::bench
