// What a cache tells about itself.
#include <iostream>

#include <lodestar/cache/cache.hpp>

int main() {
  // snippet: statistics
  lodestar::cache::cache<int, int> squares({.entries_max = 100, .statistics = true});
  for (int number = 0; number < 1'000; ++number) {
    const int key = number % 10;
    static_cast<void>(squares.get_or_load(key, [](int of) { return of * of; }));
  }
  const lodestar::cache::statistics seen = squares.stats();
  std::cout << seen.hits << " hits, " << seen.misses << " misses, " << seen.loads << " loads, "
            << seen.entries << " entries\n";
  // end of snippet
  // snippet: memory
  lodestar::cache::cache<int, int> table({.entries_max = 100'000});
  for (int key = 0; key < 100'000; ++key) table.insert(key, key);
  const auto bytes_an_entry = static_cast<double>(table.memory_used()) / 100'000;
  std::cout << (bytes_an_entry < 56 ? "less than 56 bytes an entry\n" : "more\n");
  // end of snippet
}
