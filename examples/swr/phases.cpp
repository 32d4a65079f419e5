// What becomes of one entry as time passes, and how it is changed.
#include <chrono>
#include <iostream>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/blocking.hpp>

using namespace std::chrono_literals;
namespace swr = lodestar::swr;
using texts = swr::cache<std::string, std::string>;

// snippet: show
std::string_view name_of(swr::freshness state) {
  switch (state) {
    case swr::freshness::fresh: return "fresh";
    case swr::freshness::stale: return "stale";
    case swr::freshness::expired: return "expired";
  }
  return "?";
}

void show(const lodestar::result<swr::answer<std::string>>& got) {
  if (!got) {
    std::cout << got.error().message << '\n';
    return;
  }
  std::cout << got->value << ", " << name_of(got->state) << (got->hit ? "" : ", loaded") << '\n';
}
// end of snippet

int main() {
  // snippet: phases
  lodestar::manual_clock clock;  // in a program: leave .time and .timer out
  lodestar::manual_scheduler timer(clock);
  lodestar::manual_executor background;  // in a program: a thread_pool
  texts cache({.keep = {.fresh_ms = 1'000, .stale_ms = 9'000}, .time = &clock, .timer = &timer});
  swr::blocking news(cache, background);
  int edition = 0;
  const auto print = [&edition](const std::string& paper) {
    return paper + " " + std::to_string(++edition);
  };
  show(news.get_or_load("times", print));
  clock.advance(999ms);
  show(news.get_or_load("times", print));
  clock.advance(1ms);
  show(news.get_or_load("times", print));  // and a revalidation is posted
  std::cout << background.run_all() << " revalidation\n";
  show(news.get_or_load("times", print));
  clock.advance(10s);
  show(news.get_or_load("times", print));  // the caller waits
  // end of snippet

  // snippet: one call
  const swr::call_options patient{.keep = swr::lifetimes{.fresh_ms = 100, .stale_ms = 60'000}};
  clock.advance(500ms);
  show(news.get_or_load("times", print, patient));
  background.run_all();
  show(news.get_or_load("times", print, {}, {.bypass = true}));
  // end of snippet

  // snippet: changes
  if (const auto told = news.set("post", "an extra"); !told) std::cout << told.error().message;
  const auto found = news.get("post");
  if (found && *found) std::cout << (*found)->value << '\n';
  if (const auto told = news.remove("post"); !told) std::cout << told.error().message;
  const auto gone = news.get("post");
  std::cout << (gone && !*gone ? "nowhere, which is no error\n" : "?\n");
  // end of snippet
}
