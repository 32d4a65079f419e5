// Memory over a file over a server: what one process has loaded the others find.
//
// The server is the one at REDIS_URL; without it there is the file alone.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <lodestar/base/error.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/lmdb_tier/lmdb_tier.hpp>
#include <lodestar/redis_tier/redis_tier.hpp>
#include <lodestar/swr/blocking.hpp>
#include <lodestar/swr/tiers.hpp>

namespace swr = lodestar::swr;
using files = swr::cache<std::string, std::string>;

// snippet: open
lodestar::result<std::vector<swr::tier_options>> open_tiers(const std::filesystem::path& file) {
  std::vector<swr::tier_options> made;
  auto lmdb = lodestar::lmdb_tier::open({.file = file, .bytes_max = 16U << 20});
  if (!lmdb) return std::unexpected(lmdb.error());
  made.push_back({.below = std::move(lmdb->store)});
  if (const char* const url = std::getenv("REDIS_URL")) {
    auto redis = lodestar::redis_tier::open({.url = url, .key_prefix = "lodestar-example:"});
    if (!redis) return std::unexpected(redis.error());
    made.push_back({.below = *std::move(redis), .shared = true});
  } else {
    std::cerr << "REDIS_URL is not set: the file alone\n";
  }
  return made;
}
// end of snippet

// snippet: node
/// What each process has: memory of its own over the tiers.
struct node {
  explicit node(const std::vector<swr::tier_options>& tiers)
      : cache({.name = "files",
               .weight_max = 1'000,
               .keep = {.fresh_ms = 60'000, .stale_ms = 300'000},
               .below = swr::tiers::make({.tiers = tiers})}) {}
  files cache;
};

void ask(node& here, lodestar::executor& background) {
  const auto fetch = [](const std::string& path) {
    std::cout << "fetching " << path << '\n';
    return std::string("the bytes of ").append(path);
  };
  const auto got = swr::blocking(here.cache, background).get_or_load("/logo.svg", fetch);
  if (!got) return;
  std::cout << got->value << (got->tier ? ", from a tier\n" : got->hit ? ", from memory\n" : "\n");
}
// end of snippet

int run(const std::filesystem::path& folder) {
  const auto tiers = open_tiers(folder / "cache.lmdb");
  if (!tiers) {
    std::cerr << tiers.error().describe() << '\n';
    return 1;
  }
  lodestar::thread_pool background("files", 2, 100);
  // snippet: two nodes
  node first(*tiers);
  swr::blocking(first.cache, background).clear();  // of an earlier run
  ask(first, background);
  ask(first, background);
  node second(*tiers);
  ask(second, background);
  ask(second, background);
  // end of snippet
  return 0;
}

int main() {
  const auto folder = std::filesystem::temp_directory_path() /
                      std::string("lodestar-example-").append(std::to_string(::getpid()));
  const int status = run(folder);
  std::filesystem::remove_all(folder);
  return status;
}
