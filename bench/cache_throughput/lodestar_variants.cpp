// A new option of the cache gets a row here: a Store that sets it, and its name.
#include <array>

#include "cache_throughput/in_process_subject.hpp"
#include "cache_throughput/lodestar_store.hpp"
#include "cache_throughput/subjects.hpp"

namespace lodestar::bench {
namespace {

struct variant {
  const char* name;
  std::unique_ptr<subject> (*make)(const char* name, const key_numbers& numbers);
};

template <class Store>
std::unique_ptr<subject> make(const char* name, const key_numbers& numbers) {
  return std::make_unique<in_process_subject<Store>>(name, "this build", numbers);
}

/// The entries have a weight, here 1 each.
class weighed_store : public lodestar_store<std::uint64_t> {
 public:
  explicit weighed_store(std::size_t entries_max)
      : lodestar_store({.weight_max = entries_max,
                        .weigher = [](const auto&, const auto&) { return std::size_t{1}; }}) {}
};

constexpr std::array variants = {
    variant{"lodestar, string keys", make<lodestar_store<std::string>>},
    variant{"lodestar, weigher", make<weighed_store>},
};

}  // namespace

void add_lodestar_variants(participants& out, const key_numbers& numbers) {
  for (const auto& each : variants)
    out.all.push_back({role::variant, each.make(each.name, numbers)});
}

}  // namespace lodestar::bench
