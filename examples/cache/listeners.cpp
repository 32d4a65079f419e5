// Hearing of every entry that has left, and why.
#include <chrono>
#include <iostream>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/cache/cache.hpp>

using namespace std::chrono_literals;
using lodestar::cache::removal_cause;

// snippet: causes
std::string name_of(removal_cause cause) {
  switch (cause) {
    case removal_cause::explicit_: return "removed";
    case removal_cause::replaced: return "replaced";
    case removal_cause::size: return "evicted";
    case removal_cause::expired: return "expired";
    case removal_cause::collected: return "collected";
  }
  return "?";
}
// end of snippet

int main() {
  // snippet: listener
  lodestar::manual_clock clock;
  lodestar::cache::cache<std::string, int> files(
      {.entries_max = 1,
       .listener =
           [](const std::string& name, int handle, removal_cause cause) {
             std::cout << name << " (" << handle << ") " << name_of(cause) << '\n';
           },
       .time_to_live = 1min,
       .time = &clock});
  files.insert("a.txt", 3);
  files.insert("a.txt", 4);
  files.insert("b.txt", 5);
  files.remove("b.txt");
  files.insert("c.txt", 6);
  clock.advance(2min);
  files.maintain();
  // end of snippet
}
