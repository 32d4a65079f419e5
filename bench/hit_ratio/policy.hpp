// What decides which entries a cache of a bounded number of entries keeps, driven by a trace.
//
// An access looks the key up and, on a miss, inserts it; all entries have the size 1. Nothing but
// the policy decides about admission. Policies are deterministic and not thread-safe.
#pragma once

#include <cstdint>

namespace lodestar::bench::hit_ratio {

class policy {
 public:
  policy() = default;
  policy(const policy&) = delete;
  policy& operator=(const policy&) = delete;
  virtual ~policy() = default;

  /// Whether the key was in the cache. A policy that says so in its constructor takes numbered keys
  /// (trace::numbers), which are below the number of unique keys.
  virtual bool access(std::uint64_t key) = 0;
};

}  // namespace lodestar::bench::hit_ratio
