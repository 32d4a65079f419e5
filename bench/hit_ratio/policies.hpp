// The policies by name.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lodestar/base/error.hpp>

#include "hit_ratio/policy.hpp"
#include "hit_ratio/trace.hpp"

namespace lodestar::bench::hit_ratio {

struct policy_kind {
  std::string_view name;
  bool online;    ///< Decides without knowing the future; only these are compared for the best.
  bool numbered;  ///< Takes trace::numbers; otherwise trace::keys, from any threads.
  std::unique_ptr<policy> (*make)(std::size_t capacity, const trace& accesses);
};

/// Every policy, in the order of the table's columns.
[[nodiscard]] std::span<const policy_kind> all_policies();

/// An unknown name is an error with the nearest one as its hint.
[[nodiscard]] result<const policy_kind*> find_policy(std::string_view name);

}  // namespace lodestar::bench::hit_ratio
