// An API gateway that goes on answering while its upstream is down.
#include <chrono>
#include <iostream>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/blocking.hpp>

using namespace std::chrono_literals;
namespace swr = lodestar::swr;
using responses = swr::cache<std::string, std::string>;

// snippet: upstream
/// Stands for the service behind the gateway.
struct upstream {
  bool is_down = false;
  int asked = 0;

  lodestar::result<std::string> fetch(const std::string& path) {
    ++asked;
    if (is_down) return lodestar::fail(lodestar::error_code::unavailable, "upstream is down");
    return std::string("200 ").append(path);
  }
};
// end of snippet

// snippet: answer
void respond(const lodestar::result<swr::answer<std::string>>& got) {
  if (!got) {
    std::cout << "502, " << got.error().message << '\n';
  } else if (got->failure) {
    std::cout << got->value << ", " << got->age_ms / 1'000 << " s old: " << got->failure->message
              << '\n';
  } else {
    std::cout << got->value << (got->state == swr::freshness::stale ? ", stale\n" : "\n");
  }
}
// end of snippet

int main() {
  lodestar::manual_clock clock;
  lodestar::manual_scheduler timer(clock);
  lodestar::manual_executor background;
  // snippet: gateway
  upstream service;
  responses cache({.keep = {.fresh_ms = 60'000, .stale_ms = 540'000, .fail_safe_ms = 3'600'000},
                   .fail_safe_throttle_ms = 30'000,
                   .time = &clock,
                   .timer = &timer});
  swr::blocking gateway(cache, background);
  const auto fetch = [&service](const std::string& path) { return service.fetch(path); };
  respond(gateway.get_or_load("/v1/prices", fetch));
  service.is_down = true;
  clock.advance(2min);
  respond(gateway.get_or_load("/v1/prices", fetch));
  background.run_all();  // the revalidation fails
  clock.advance(28min);
  respond(gateway.get_or_load("/v1/prices", fetch));
  respond(gateway.get_or_load("/v1/orders", fetch));  // was never there
  // end of snippet

  // snippet: throttle
  const int asked = service.asked;
  for (int call = 0; call < 100; ++call) {
    static_cast<void>(gateway.get_or_load("/v1/prices", fetch));
  }
  std::cout << service.asked - asked << " more requests to the service\n";
  service.is_down = false;
  clock.advance(31s);
  respond(gateway.get_or_load("/v1/prices", fetch));
  // end of snippet
}
