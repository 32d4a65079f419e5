// Gets on several threads at once, as every subject in this process does them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <latch>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "disk_tier/entries.hpp"
#include "support/report.hpp"

namespace lodestar::bench {

/// The seconds of the slowest thread. `begin_thread()` makes what a thread works with, a callable
/// that says whether get(key) was right; one that was not is thrown.
template <class BeginThread>
[[nodiscard]] double time_gets(const entries& all, unsigned threads, std::size_t gets,
                               const BeginThread& begin_thread) {
  std::latch begin(threads);
  std::vector<double> seconds(threads, 0);
  std::vector<std::jthread> running;
  for (unsigned thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      auto get = begin_thread();
      std::size_t at = all.keys.size() / threads * thread;
      std::size_t right = 0;
      begin.arrive_and_wait();
      const stopwatch time;
      for (std::size_t count = 0; count < gets; ++count) {
        right += static_cast<std::size_t>(get(std::string_view(all.keys[at])));
        if (++at == all.keys.size()) at = 0;
      }
      if (right == gets) seconds[thread] = time.seconds();
    });
  }
  running.clear();
  if (std::ranges::find(seconds, 0.0) != seconds.end())
    throw std::runtime_error("a get brought the wrong bytes, or none");
  return std::ranges::max(seconds);
}

}  // namespace lodestar::bench
