// Loading what is missing: once for all who ask, with errors, in the background, without blocking.
#include <chrono>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/error.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/cache/cache.hpp>

using namespace std::chrono_literals;
using lodestar::error_code;
using lodestar::fail;
using lodestar::result;
using names = lodestar::cache::cache<int, std::string>;

// snippet: loader
/// Stands for a database.
result<std::string> load_name(int user) {
  std::cout << "loading " << user << '\n';
  if (user > 100) return fail(error_code::not_found, "there is no such user");
  return std::string("user ").append(std::to_string(user));
}
// end of snippet

void on_demand() {
  // snippet: on demand
  names known({.entries_max = 1'000});
  for (int times = 0; times < 2; ++times) {
    if (const auto name = known.get_or_load(7, load_name)) std::cout << *name << '\n';
  }
  // end of snippet
}

void with_errors() {
  // snippet: errors
  lodestar::manual_clock clock;
  names known({.entries_max = 1'000, .failure_time_to_live = 5s, .time = &clock});
  for (int times = 0; times < 2; ++times) {
    const auto name = known.get_or_load(101, load_name);
    if (!name) std::cout << name.error().message << '\n';
  }
  clock.advance(6s);
  static_cast<void>(known.get_or_load(101, load_name));
  // end of snippet
}

void in_the_background() {
  // snippet: refresh
  lodestar::manual_clock clock;
  lodestar::manual_executor background;  // in a program: a thread_pool
  int version = 0;
  const auto load = [&](int) { return std::string("version ").append(std::to_string(++version)); };
  names known({.entries_max = 1'000,
               .time_to_live = 1h,
               .refresh_after = 1min,
               .background = &background,
               .time = &clock});
  std::cout << *known.get_or_load(1, load) << '\n';
  clock.advance(2min);
  std::cout << *known.get_or_load(1, load) << ", and a refresh was posted\n";
  background.run_all();
  std::cout << *known.get_or_load(1, load) << '\n';
  // end of snippet
}

void without_blocking() {
  // snippet: async
  names known({.entries_max = 1'000});
  std::optional<lodestar::cache::completion<names>> pending;  // what an event loop keeps
  known.load_async(
      9,
      [&](int, lodestar::cache::completion<names> complete) {
        pending.emplace(std::move(complete));
      },
      [](const lodestar::cache::loaded<std::string>& brought) {
        std::cout << "answered: " << *brought.value() << '\n';
      });
  std::cout << "asked\n";
  (*pending)("user 9");
  // end of snippet
}

void many_at_once() {
  // snippet: many at once
  names known({.entries_max = 1'000});
  known.insert(2, "user 2");
  const auto load_names = [](std::span<const int> users) {  // one query for all of them
    std::cout << "loading " << users.size() << " users\n";
    std::vector<std::pair<int, std::string>> brought;
    for (const int user : users)
      if (user <= 100) brought.emplace_back(user, "user " + std::to_string(user));
    return brought;
  };
  for (const auto& name : known.get_or_load_all(std::vector{1, 2, 101}, load_names))
    std::cout << (name ? *name : name.error().message) << '\n';
  // end of snippet
}

void overtaken_by_a_removal() {
  // snippet: overtaken
  names known({.entries_max = 1'000});
  const auto name = known.get_or_load(1, [&](int) {
    known.remove(1);  // somebody learns meanwhile that user 1 has changed
    return "an old name";
  });
  std::cout << "handed out: " << *name << ", stored: " << (known.contains(1) ? "yes" : "no")
            << '\n';
  // end of snippet
}

int main() {
  on_demand();
  with_errors();
  in_the_background();
  without_blocking();
  many_at_once();
  overtaken_by_a_removal();
}
