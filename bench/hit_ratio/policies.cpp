#include "hit_ratio/policies.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include <lodestar/base/nearest.hpp>

#include "hit_ratio/arc.hpp"
#include "hit_ratio/belady.hpp"
#include "hit_ratio/lirs.hpp"
#include "hit_ratio/lodestar_cache.hpp"
#include "hit_ratio/lru.hpp"
#include "hit_ratio/s3fifo.hpp"
#include "hit_ratio/sieve.hpp"
#include "hit_ratio/two_q.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

std::unique_ptr<policy> make_belady(std::size_t capacity, const trace& accesses) {
  return std::make_unique<belady>(capacity, accesses.unique_keys, accesses.numbers);
}

std::unique_ptr<policy> make_lodestar(std::size_t capacity, const trace&) {
  return std::make_unique<lodestar_cache>(capacity);
}

template <class Policy>
std::unique_ptr<policy> make_numbered(std::size_t capacity, const trace& accesses) {
  return std::make_unique<Policy>(capacity, accesses.unique_keys);
}

constexpr std::array<policy_kind, 8> kinds{{
    {.name = "belady", .online = false, .numbered = true, .make = make_belady},
    {.name = "lodestar", .online = true, .numbered = false, .make = make_lodestar},
    {.name = "s3fifo", .online = true, .numbered = true, .make = make_numbered<s3fifo>},
    {.name = "2q", .online = true, .numbered = true, .make = make_numbered<two_q>},
    {.name = "arc", .online = true, .numbered = true, .make = make_numbered<arc>},
    {.name = "lirs", .online = true, .numbered = true, .make = make_numbered<lirs>},
    {.name = "sieve", .online = true, .numbered = true, .make = make_numbered<sieve>},
    {.name = "lru", .online = true, .numbered = true, .make = make_numbered<lru>},
}};

}  // namespace

std::span<const policy_kind> all_policies() {
  return kinds;
}

result<const policy_kind*> find_policy(std::string_view name) {
  if (const auto* found = std::ranges::find(kinds, name, &policy_kind::name); found != kinds.end())
    return found;
  std::vector<std::string_view> names;
  for (const policy_kind& each : kinds) names.push_back(each.name);
  const std::string_view meant = nearest(name, names);
  return fail(error_code::invalid_argument, fmt::format("there is no policy \"{}\"", name),
              "--policies",
              meant.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                            : fmt::format("did you mean {}?", meant));
}

}  // namespace lodestar::bench::hit_ratio
