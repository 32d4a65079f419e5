// Rows of a database: values of one's own in tiers, absence, and tags.
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <lodestar/base/clock.hpp>
#include <lodestar/base/executor.hpp>
#include <lodestar/base/scheduler.hpp>
#include <lodestar/swr/blocking.hpp>
#include <lodestar/swr/memory_store.hpp>
#include <lodestar/swr/tiers.hpp>

using namespace std::chrono_literals;
namespace swr = lodestar::swr;

// snippet: codec
struct user {
  std::string name;
  std::string team;
};

template <>
struct lodestar::swr::codec<user> {
  static constexpr std::string_view name = "user/1";  // another name when the encoding changes
  static void encode(const user& value, std::string& bytes) {
    bytes.append(value.name).append("\n").append(value.team);
  }
  static std::optional<user> decode(std::string_view bytes) {
    const auto line = bytes.find('\n');
    if (line == std::string_view::npos) return std::nullopt;
    return user{std::string(bytes.substr(0, line)), std::string(bytes.substr(line + 1))};
  }
};
// end of snippet

using users = swr::cache<int, std::optional<user>>;

int main() {
  lodestar::manual_clock clock;
  lodestar::manual_scheduler timer(clock);
  lodestar::manual_executor background;
  // snippet: query
  std::map<int, user> table{{1, {"anna", "red"}}, {2, {"ben", "red"}}};
  const auto query = [&table](int id) {
    std::cout << "select " << id << '\n';
    swr::loaded<std::optional<user>> row{.value = std::nullopt};
    if (const auto found = table.find(id); found != table.end()) {
      row.value = found->second;
      row.tags = {"team " + found->second.team};
    }
    return row;
  };
  // end of snippet

  const auto below = swr::tiers::make(
      {.tiers = {{.below = std::make_shared<swr::memory_store>(
                      swr::memory_store_options{.bytes_max = 16U << 20, .time = &clock})}},
       .time = &clock,
       .timer = &timer});
  // snippet: absence
  users cache({.name = "users",
               .keep = {.fresh_ms = 120'000, .stale_ms = 480'000},
               .keep_absent = swr::lifetimes{.fresh_ms = 5'000},
               .below = below,
               .time = &clock,
               .timer = &timer});
  swr::blocking rows(cache, background);
  const auto show = [&](int id) {
    const auto row = rows.get_or_load(id, query);
    if (row) std::cout << id << ": " << (row->value ? row->value->name : "nobody") << '\n';
  };
  for (const int id : {1, 3, 1, 3}) show(id);
  clock.advance(6s);
  table[3] = {"carla", "blue"};
  show(3);
  // end of snippet

  // snippet: tags
  show(2);
  if (const auto told = rows.remove_by_tag("team red"); !told) std::cout << told.error().message;
  for (const int id : {1, 2, 3}) show(id);
  // end of snippet
}
