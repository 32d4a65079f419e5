// Decisions of a rate limiter: good for a second, and never after it.
#include <chrono>
#include <iostream>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/blocking.hpp>

using namespace std::chrono_literals;
namespace swr = lodestar::swr;
using decisions = swr::cache<std::string, bool>;

int main() {
  lodestar::manual_clock clock;
  lodestar::manual_scheduler timer(clock);
  lodestar::manual_executor background;
  bool is_down = false;
  int budget = 2;
  // snippet: limiter
  decisions cache({.keep = {.fresh_ms = 1'000}, .time = &clock, .timer = &timer});
  swr::blocking limiter(cache, background);
  int checks = 0;
  const auto check = [&](const std::string&) {
    ++checks;
    return is_down || budget-- > 0;  // without a limiter, let them in for a second
  };
  const auto is_allowed = [&](const std::string& client) {
    const auto decision = limiter.get_or_load(client, check, {}, {.allow_stale = false});
    return decision && decision->value;
  };
  // end of snippet

  // snippet: seconds
  for (int second = 0; second < 4; ++second) {
    if (second == 3) is_down = true;
    int allowed = 0;
    for (int request = 0; request < 1'000; ++request) allowed += is_allowed("anna") ? 1 : 0;
    std::cout << allowed << " allowed, " << checks << " checks\n";
    clock.advance(1s);
  }
  // end of snippet
}
