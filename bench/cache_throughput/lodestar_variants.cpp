// A new option of the cache gets a row here: a function that sets it, and its name.
#include <array>
#include <chrono>

#include "cache_throughput/in_process_subject.hpp"
#include "cache_throughput/lodestar_store.hpp"
#include "cache_throughput/subjects.hpp"

namespace lodestar::bench {
namespace {

using plain_store = lodestar_store<std::uint64_t>;
using options = plain_store::cache_type::options_type;

/// Longer than any run: what is measured is the looking at the time, not misses.
constexpr auto long_enough = std::chrono::hours(24);

options with_statistics(std::size_t entries_max) {
  return {.entries_max = entries_max, .statistics = true};
}

options with_time_to_live(std::size_t entries_max) {
  return {.entries_max = entries_max, .time_to_live = long_enough};
}

options with_time_to_idle(std::size_t entries_max) {
  return {.entries_max = entries_max, .time_to_idle = long_enough};
}

/// The entries have a weight, here 1 each.
options with_weigher(std::size_t entries_max) {
  return {.weight_max = entries_max,
          .weigher = [](const auto&, const auto&) { return std::size_t{1}; }};
}

template <options (*options_for)(std::size_t entries_max)>
class store_of : public plain_store {
 public:
  explicit store_of(std::size_t entries_max) : plain_store(options_for(entries_max)) {}
};

struct variant {
  const char* name;
  std::unique_ptr<subject> (*make)(const char* name, const key_numbers& numbers);
};

template <class Store>
std::unique_ptr<subject> make(const char* name, const key_numbers& numbers) {
  return std::make_unique<in_process_subject<Store>>(name, "this build", numbers);
}

constexpr std::array variants = {
    variant{"lodestar, statistics", make<store_of<with_statistics>>},
    variant{"lodestar, time to live", make<store_of<with_time_to_live>>},
    variant{"lodestar, time to idle", make<store_of<with_time_to_idle>>},
    variant{"lodestar, string keys", make<lodestar_store<std::string>>},
    variant{"lodestar, weigher", make<store_of<with_weigher>>},
};

}  // namespace

void add_lodestar_variants(participants& out, const key_numbers& numbers) {
  for (const auto& each : variants)
    out.all.push_back({role::variant, each.make(each.name, numbers)});
}

}  // namespace lodestar::bench
