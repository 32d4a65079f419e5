// The cache in ten lines.
// snippet: ten lines
#include <iostream>
#include <string>

#include <lodestar/cache/cache.hpp>

int main() {
  lodestar::cache::cache<std::string, std::string> pages({.entries_max = 10'000});
  pages.insert("/", "<h1>hello</h1>");
  if (const auto page = pages.get("/")) std::cout << *page << '\n';
}
// end of snippet
