// Many threads on one cache: a bound in bytes, one load for each key, and nobody waits for what is
// stale.
#include <array>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/blocking.hpp>

using namespace std::chrono_literals;
namespace swr = lodestar::swr;
using pages = swr::cache<int, std::string>;

/// Every thread asks for every page ten times.
template <class Ask>
void from_many_threads(Ask ask) {
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&ask] {
      for (int call = 0; call < 1'000; ++call) ask(call % 100);
    });
  }
}

int main() {
  lodestar::manual_clock clock;
  lodestar::manual_scheduler timer(clock);
  lodestar::manual_executor background;  // in a program: a thread_pool
  // snippet: bytes
  pages cache({.weight_max = 64U << 20,
               .weigher = [](int, const std::string& page) { return page.size(); },
               .keep = {.fresh_ms = 60'000, .stale_ms = 600'000},
               .time = &clock,
               .timer = &timer});
  swr::blocking visitors(cache, background);
  const auto render = [](int page) { return std::string(1'000, page % 2 == 0 ? 'a' : 'b'); };
  from_many_threads([&](int page) {
    if (!visitors.get_or_load(page, render)) std::cout << "?\n";
  });
  const auto seen = cache.stats();
  std::cout << seen.loads << " loads, " << seen.entries << " entries, " << seen.weight
            << " bytes\n";
  // end of snippet

  // snippet: stale
  clock.advance(2min);
  from_many_threads([&](int page) {
    const auto got = visitors.get_or_load(page, render);
    if (!got || got->state != swr::freshness::stale) std::cout << "?\n";
  });
  std::cout << cache.stats().stale_hits << " stale answers, " << background.run_all()
            << " revalidations\n";
  // end of snippet
}
