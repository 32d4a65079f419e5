// Removing, writing under a condition, and changing in one step.
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <lodestar/cache/cache.hpp>

using lodestar::cache::outcome;
using counts = lodestar::cache::cache<std::string, int>;

void say(outcome done) {
  switch (done) {
    case outcome::inserted: std::cout << "inserted\n"; return;
    case outcome::replaced: std::cout << "replaced\n"; return;
    case outcome::removed: std::cout << "removed\n"; return;
    case outcome::present: std::cout << "present\n"; return;
    case outcome::absent: std::cout << "absent\n"; return;
    case outcome::different: std::cout << "different\n"; return;
    case outcome::too_heavy: std::cout << "too heavy\n"; return;
  }
}

void removing() {
  counts stock({.entries_max = 100});
  // snippet: removing
  for (const char* key : {"tea/green", "tea/black", "coffee", "milk"}) stock.insert(key, 1);
  stock.remove("milk");
  const auto removed =
      stock.remove_if([](const std::string& key, int) { return key.starts_with("tea/"); });
  std::cout << removed << " kinds of tea removed, " << stock.size() << " entry left\n";
  std::cout << stock.clear() << " cleared\n";
  // end of snippet
}

void invalidating() {
  counts stock({.entries_max = 100});
  // snippet: invalidating
  for (const char* key : {"tea/green", "tea/black", "coffee"}) stock.insert(key, 1);
  stock.invalidate_if([](const std::string& key, int) { return key.starts_with("tea/"); });
  std::cout << "green tea " << (stock.contains("tea/green") ? "is there" : "is gone") << ", coffee "
            << (stock.contains("coffee") ? "is there" : "is gone") << '\n';
  stock.invalidate_all();
  std::cout << "coffee " << (stock.contains("coffee") ? "is there" : "is gone") << '\n';
  // end of snippet
}

void under_a_condition() {
  counts stock({.entries_max = 100});
  // snippet: conditions
  say(stock.insert_if_absent("tea", 3));
  say(stock.insert_if_absent("tea", 4));
  say(stock.replace("coffee", 1));
  say(stock.replace_if_equal("tea", 2, 5));
  say(stock.replace_if_equal("tea", 3, 5));
  // end of snippet
}

void in_one_step() {
  counts stock({.entries_max = 100});
  // snippet: one step
  const auto sell_one = [](const int* left) -> std::optional<int> {
    if (left == nullptr || *left == 1) return std::nullopt;  // nothing there, or nothing left
    return *left - 1;
  };
  stock.insert("tea", 2);
  say(stock.compute("tea", sell_one));
  say(stock.compute("tea", sell_one));
  say(stock.compute("tea", sell_one));
  // end of snippet
}

void from_many_threads() {
  // snippet: threads
  counts visits({.entries_max = 100});
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int visit = 0; visit < 1'000; ++visit) visits.merge("/", 1, std::plus());
      });
    }
  }
  std::cout << *visits.get("/") << " visits\n";
  // end of snippet
}

int main() {
  removing();
  invalidating();
  under_a_condition();
  in_one_step();
  from_many_threads();
}
