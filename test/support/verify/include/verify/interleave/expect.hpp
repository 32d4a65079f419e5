// What a test asks of a scenario: whether something can happen. The scenario checks that it does
// not. For tests (GoogleTest); the rest is <verify/interleave.hpp>.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <type_traits>

#include <verify/interleave.hpp>

namespace lodestar::interleave {

inline constexpr auto relaxed = std::memory_order_relaxed;
inline constexpr auto acquire = std::memory_order_acquire;
inline constexpr auto release = std::memory_order_release;
inline constexpr auto acq_rel = std::memory_order_acq_rel;
inline constexpr auto seq_cst = std::memory_order_seq_cst;

template <class Scenario>
using threads = std::initializer_list<std::type_identity_t<std::function<void(Scenario&)>>>;

/// In no execution within the bounds, and in none of some by chance.
template <class Scenario>
void expect_never(threads<Scenario> run, const context_bound& bounds = {}) {
  const auto bounded = explore<Scenario>(bounds, run);
  EXPECT_FALSE(bounded.found) << bounded.report();
  EXPECT_TRUE(bounded.exhausted) << bounded.report();
  const auto walked = explore<Scenario>(random_walk{.executions = 2'000}, run);
  EXPECT_FALSE(walked.found) << walked.report();
}

/// Found both by bounded search and by chance.
template <class Scenario>
void expect_found(fault what, threads<Scenario> run, const context_bound& bounds = {}) {
  const auto bounded = explore<Scenario>(bounds, run);
  EXPECT_TRUE(bounded.found_a(what)) << bounded.report();
  const auto walked = explore<Scenario>(random_walk{.executions = 50'000}, run);
  EXPECT_TRUE(walked.found_a(what)) << walked.report();
}

}  // namespace lodestar::interleave
