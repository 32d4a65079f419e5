// Several caches with lifetimes of their own over the same tiers.
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/blocking.hpp>
#include <lodestar/swr/memory_store.hpp>
#include <lodestar/swr/tiers.hpp>

using namespace std::chrono_literals;
namespace swr = lodestar::swr;
using texts = swr::cache<std::string, std::string>;

void show(std::string_view name, swr::blocking<texts>& of) {
  const auto found = of.get("1");
  if (!found || !*found) {
    std::cout << name << ": nothing\n";
    return;
  }
  std::cout << name << ((*found)->state == swr::freshness::fresh ? ": fresh\n" : ": stale\n");
}

int main() {
  lodestar::manual_clock clock;
  lodestar::manual_scheduler timer(clock);
  lodestar::manual_executor background;
  // snippet: caches
  const auto below = swr::tiers::make(
      {.tiers = {{.below = std::make_shared<swr::memory_store>(
                      swr::memory_store_options{.bytes_max = 16U << 20, .time = &clock})}},
       .time = &clock,
       .timer = &timer});
  const auto settings = [&](std::string name, swr::lifetimes keep) {
    return texts::options_type{
        .name = std::move(name), .keep = keep, .below = below, .time = &clock, .timer = &timer};
  };
  texts user_cache(settings("users", {.fresh_ms = 30'000, .stale_ms = 90'000}));
  texts product_cache(settings("products", {.fresh_ms = 300'000, .stale_ms = 3'300'000}));
  texts api_cache(settings("api", {.fresh_ms = 60'000, .stale_ms = 540'000}));
  // end of snippet
  swr::blocking users(user_cache, background), products(product_cache, background),
      api(api_cache, background);
  const auto show_all = [&] {
    show("users", users);
    show("products", products);
    show("api", api);
  };

  // snippet: lifetimes
  users.set("1", "anna");
  products.set("1", "tea");
  api.set("1", "{}");
  clock.advance(100s);
  show_all();
  api.clear();  // of its name alone
  clock.advance(100s);
  show_all();
  // end of snippet
}
