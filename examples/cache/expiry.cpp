// Entries that expire: after their last write, after their last use, or when they say.
#include <chrono>
#include <iostream>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/cache/cache.hpp>

using namespace std::chrono_literals;

template <class Cache>
void show(Cache& held, const char* key) {
  const auto value = held.peek(key);
  std::cout << key << ": " << (value ? "there" : "gone") << '\n';
}

// snippet: token
struct token {
  std::string text;
  std::chrono::seconds valid_for;
};
// end of snippet

void after_the_last_write() {
  std::cout << "time to live\n";
  // snippet: live
  lodestar::manual_clock clock;  // in a program: leave .time out
  lodestar::cache::cache<std::string, double> prices(
      {.entries_max = 1'000, .time_to_live = 10min, .time = &clock});
  prices.insert("coffee", 3.5);
  clock.advance(9min);
  show(prices, "coffee");
  clock.advance(2min);
  show(prices, "coffee");
  // end of snippet
  // snippet: maintain
  std::cout << prices.size() << " held before maintain(), ";
  prices.maintain();
  std::cout << prices.size() << " after it\n";
  // end of snippet
}

void in_time() {
  std::cout << "in time\n";
  lodestar::manual_clock clock;
  // snippet: timer
  lodestar::manual_scheduler timer(clock);  // in a program: a timer_thread
  lodestar::cache::cache<std::string, int> offers(
      {.entries_max = 1'000, .time_to_live = 1min, .timer = &timer, .time = &clock});
  offers.insert("umbrella", 10);
  clock.advance(61s);
  timer.run_due();
  std::cout << offers.size() << " held, and nobody called the cache\n";
  // end of snippet
}

void after_the_last_use() {
  std::cout << "time to idle\n";
  lodestar::manual_clock clock;
  // snippet: idle
  lodestar::cache::cache<std::string, int> sessions(
      {.entries_max = 1'000, .time_to_idle = 5min, .time = &clock});
  sessions.insert("anna", 1);
  for (int visit = 0; visit < 3; ++visit) {
    clock.advance(4min);
    static_cast<void>(sessions.get("anna"));  // a use
  }
  show(sessions, "anna");  // peek() is none
  clock.advance(6min);
  show(sessions, "anna");
  // end of snippet
}

void entry_by_entry() {
  std::cout << "entry by entry\n";
  lodestar::manual_clock clock;
  // snippet: entry by entry
  using tokens = lodestar::cache::cache<std::string, token>;
  tokens held({.entries_max = 1'000,
               .expires = {.after_create = [](const std::string&, const token& made)
                               -> lodestar::nanoseconds { return made.valid_for; }},
               .time = &clock});
  held.insert("short", {"a1", 30s});
  held.insert("long", {"b2", 1h});
  clock.advance(1min);
  show(held, "short");
  show(held, "long");
  // end of snippet
}

int main() {
  after_the_last_write();
  in_time();
  after_the_last_use();
  entry_by_entry();
}
