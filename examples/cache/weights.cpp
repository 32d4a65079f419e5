// A bound in bytes: what is weighed, what is refused, what is pinned, and another bound later.
#include <iostream>
#include <string>

#include <lodestar/cache/cache.hpp>

using lodestar::cache::outcome;
using pages = lodestar::cache::cache<std::string, std::string>;

std::string page_of(std::size_t bytes) {
  return std::string(bytes, 'x');
}

void show(const pages& held) {
  std::cout << held.size() << " pages, " << held.weight() << " bytes\n";
}

int main() {
  // snippet: bound
  pages held({.weight_max = 100, .weigher = [](const std::string& path, const std::string& html) {
                return path == "/menu" ? 0 : html.size();
              }});
  for (int number = 0; number < 10; ++number) held.insert(std::to_string(number), page_of(30));
  show(held);
  // end of snippet

  // snippet: outcomes
  if (held.insert("/everything", page_of(101)) == outcome::too_heavy)
    std::cout << "heavier than the whole bound: refused\n";
  held.insert("/menu", page_of(500));  // weighs nothing: it stays until somebody removes it
  show(held);
  held.resize(50);
  show(held);
  // end of snippet
  std::cout << (held.contains("/menu") ? "the menu is still there\n" : "the menu is gone\n");
}
