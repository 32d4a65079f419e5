// The cache in ten lines.
// snippet: ten lines
#include <iostream>
#include <string>

#include <lodestar/base/executor.hpp>
#include <lodestar/swr/blocking.hpp>

int main() {
  lodestar::thread_pool background("pages", 2, 100);
  lodestar::swr::cache<std::string, std::string> cache(
      {.keep = {.fresh_ms = 60'000, .stale_ms = 300'000}});
  lodestar::swr::blocking pages(cache, background);
  const auto render = [](const std::string& path) { return "the page of " + path; };
  if (const auto page = pages.get_or_load("/", render)) std::cout << page->value << '\n';
}
// end of snippet
