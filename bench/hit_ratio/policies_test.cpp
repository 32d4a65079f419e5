// Each policy against a plain implementation of its paper, access by access, and all against the
// optimum.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hit_ratio/belady.hpp"
#include "hit_ratio/generators.hpp"
#include "hit_ratio/lru.hpp"
#include "hit_ratio/policies.hpp"
#include "hit_ratio/position_set.hpp"
#include "hit_ratio/reference_policies.hpp"
#include "hit_ratio/replay.hpp"
#include "hit_ratio/sieve.hpp"

namespace lodestar::bench::hit_ratio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using make_reference =
    std::function<std::unique_ptr<policy>(std::size_t capacity, const trace& accesses)>;

template <class Reference>
std::unique_ptr<policy> make_plain(std::size_t capacity, const trace&) {
  return std::make_unique<Reference>(capacity);
}

struct pair_of_policies {
  std::string name;
  make_reference reference;
};

/// What the cache of this repository does inside is its own affair.
constexpr std::string_view without_reference = "lodestar";

const std::vector<pair_of_policies>& pairs() {
  static const std::vector<pair_of_policies> all{
      {"belady",
       [](std::size_t capacity, const trace& accesses) {
         return std::make_unique<reference_belady>(capacity, accesses.numbers);
       }},
      {"s3fifo", make_plain<reference_s3fifo>},
      {"2q", make_plain<reference_two_q>},
      {"arc", make_plain<reference_arc>},
      {"lirs", make_plain<reference_lirs>},
      {"sieve", make_plain<reference_sieve>},
      {"lru", make_plain<reference_lru>},
  };
  return all;
}

/// Small ones of every kind, so that all lists overflow and every list is met empty.
std::vector<trace> small_traces() {
  constexpr std::size_t accesses = 3'000;
  std::vector<trace> traces;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    traces.push_back(make_trace("uniform", zipf(0, 40, accesses, seed)));
    traces.push_back(make_trace("zipf", zipf(1, 200, accesses, seed)));
    traces.push_back(make_trace("scans", zipf_with_scans(0.8, 60, 100, 50, accesses, seed)));
    traces.push_back(make_trace("phases", zipf_with_phases(1.2, 80, 300, accesses, seed)));
    traces.push_back(make_trace("mixture", mixture(1, 80, 30, accesses, seed)));
    traces.push_back(make_trace("around", recency_around_loop(8, 25, accesses, seed)));
  }
  traces.push_back(make_trace("loop", loop(30, accesses)));
  return traces;
}

constexpr std::array<std::size_t, 9> capacities{1, 2, 3, 4, 7, 10, 25, 100, 250};

const policy_kind& kind_of(std::string_view name) {
  return **find_policy(name);
}

class each_policy : public testing::TestWithParam<pair_of_policies> {};

TEST_P(each_policy, does_what_its_paper_says) {
  const policy_kind& kind = kind_of(GetParam().name);
  for (const trace& accesses : small_traces()) {
    for (const std::size_t capacity : capacities) {
      const auto reference = GetParam().reference(capacity, accesses);
      const auto tested = kind.make(capacity, accesses);
      for (std::size_t at = 0; at < accesses.keys.size(); ++at) {
        const std::uint64_t key = kind.numbered ? accesses.numbers[at] : accesses.keys[at];
        ASSERT_EQ(tested->access(key), reference->access(key))
            << accesses.name << ", capacity " << capacity << ", access " << at;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(all, each_policy, testing::ValuesIn(pairs()),
                         [](const auto& tested) { return tested.param.name; });

TEST(policies, all_others_have_a_reference) {
  for (const policy_kind& kind : all_policies()) {
    EXPECT_EQ(std::ranges::count(pairs(), kind.name, &pair_of_policies::name),
              kind.name == without_reference ? 0 : 1)
        << kind.name;
  }
}

TEST(policies, none_is_better_than_the_optimum) {
  for (const trace& accesses : small_traces()) {
    for (const std::size_t capacity : capacities) {
      const std::uint64_t most = count_hits(kind_of("belady"), capacity, accesses, 1);
      for (const policy_kind& kind : all_policies()) {
        EXPECT_LE(count_hits(kind, capacity, accesses, 1), most)
            << kind.name << ", " << accesses.name << ", capacity " << capacity;
      }
    }
  }
}

TEST(policies, all_keep_everything_that_fits) {
  const trace accesses = make_trace("fits", zipf(0.5, 300, 5'000, 1));
  for (const policy_kind& kind : all_policies()) {
    EXPECT_EQ(count_hits(kind, accesses.unique_keys, accesses, 1),
              accesses.keys.size() - accesses.unique_keys)
        << kind.name;
  }
}

std::vector<bool> hits(policy& driven, std::initializer_list<std::uint64_t> keys) {
  std::vector<bool> found;
  for (const std::uint64_t key : keys) found.push_back(driven.access(key));
  return found;
}

TEST(lru, evicts_the_least_recently_used) {
  lru cache(2, 4);
  EXPECT_THAT(hits(cache, {0, 1, 0, 2, 0, 1}), ElementsAre(false, false, true, false, true, false));
}

// The hand spares 0 for its hit, evicts 1, and goes on from there: next is 2, not 0.
TEST(sieve, goes_on_from_where_it_was) {
  sieve cache(3, 5);
  EXPECT_THAT(hits(cache, {0, 1, 2, 0, 3, 4, 0, 2}),
              ElementsAre(false, false, false, true, false, false, true, false));
}

TEST(belady, gives_up_what_is_used_last) {
  const std::vector<item> accesses{0, 1, 2, 0, 1, 2, 3, 3};
  belady cache(2, 4, accesses);
  EXPECT_THAT(hits(cache, {0, 1, 2, 0, 1, 2, 3, 3}),
              ElementsAre(false, false, false, true, false, true, false, true));
}

TEST(position_set, knows_its_greatest_on_every_level) {
  position_set positions(300'000);
  for (const std::size_t position : {0U, 63U, 64U, 4'095U, 4'096U, 299'999U})
    positions.add(position);
  for (const std::size_t position : {299'999U, 4'096U, 4'095U, 64U, 63U, 0U}) {
    EXPECT_EQ(positions.greatest(), position);
    positions.remove(position);
  }
}

TEST(policies, an_unknown_name_is_answered_with_the_nearest) {
  const auto found = find_policy("lodestra");
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().describe(), HasSubstr("did you mean lodestar?"));
  EXPECT_THAT(find_policy("wtinylfu").error().hint, HasSubstr("belady, lodestar, s3fifo, 2q"));
}

}  // namespace
}  // namespace lodestar::bench::hit_ratio
