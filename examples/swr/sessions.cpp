// Sessions: one that was revoked here is not served again; what somebody else revoked is seen
// within the time for which a session is fresh.
#include <chrono>
#include <iostream>
#include <optional>
#include <set>
#include <string>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/blocking.hpp>

using namespace std::chrono_literals;
namespace swr = lodestar::swr;
using sessions = swr::cache<std::string, std::optional<std::string>>;

int main() {
  lodestar::manual_clock clock;
  lodestar::manual_scheduler timer(clock);
  lodestar::manual_executor background;
  std::set<std::string> database{"token 1", "token 2"};
  // snippet: sessions
  sessions cache({.keep = {.fresh_ms = 300'000, .stale_ms = 0},
                  .keep_absent = swr::lifetimes{.fresh_ms = 1'000},
                  .time = &clock,
                  .timer = &timer});
  swr::blocking users(cache, background);
  const auto find = [&database](const std::string& token) -> std::optional<std::string> {
    if (!database.contains(token)) return std::nullopt;
    return "the user of " + token;
  };
  const auto show = [&](const std::string& token) {
    const auto user = users.get_or_load(token, find);
    std::cout << (user && user->value ? *user->value : "401") << '\n';
  };
  show("token 1");
  // end of snippet

  // snippet: elsewhere
  database.erase("token 1");  // by somebody who does not tell this process
  clock.advance(299s);
  show("token 1");
  clock.advance(1s);
  show("token 1");
  // end of snippet

  // snippet: revoked
  const auto slow_find = [&](const std::string& token) {
    auto user = find(token);
    database.erase(token);
    users.remove(token);  // revoked while it is being looked up
    return user;
  };
  static_cast<void>(users.get_or_load("token 2", slow_find));
  show("token 2");
  // end of snippet
}
