// The entries of one process for the next.
#include <filesystem>
#include <iostream>
#include <string>

#include <lodestar/base/error.hpp>
#include <lodestar/cache/cache.hpp>
#include <lodestar/cache/snapshot.hpp>

using pages = lodestar::cache::cache<std::string, std::string>;

int say(const lodestar::error& mistake) {
  std::cerr << mistake.message << '\n';
  return 1;
}

int save_and_load(const std::filesystem::path& file) {
  pages before({.entries_max = 100});
  before.insert("/", "<h1>hello</h1>");
  before.insert("/about", "<h1>about</h1>");
  // snippet: snapshot
  const auto saved = lodestar::cache::save_snapshot(before, file);
  if (!saved) return say(saved.error());
  pages after({.entries_max = 100});
  const auto loaded = lodestar::cache::load_snapshot(after, file);
  if (!loaded) return say(loaded.error());
  std::cout << saved->entries << " saved, " << loaded->entries << " loaded: " << *after.get("/")
            << '\n';
  // end of snippet
  return 0;
}

int main() {
  const auto file = std::filesystem::temp_directory_path() / "lodestar-example-pages.snapshot";
  const int result = save_and_load(file);
  std::filesystem::remove(file);
  return result;
}
