// What an execution did, operation by operation, written for a person only when it is needed.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "heap.hpp"
#include "memory.hpp"

namespace lodestar::interleave::detail {

enum class operation : std::uint8_t {
  begin,
  end,
  create,
  remove,
  load,
  store,
  modify,
  exchange_done,
  exchange_failed,
  exchange_failed_spuriously,
  read,
  write,
  lock,
  wait_for_lock,
  try_lock_done,
  try_lock_failed,
  unlock,
  fence,
  light_fence,
  heavy_fence,
  yield,
};

struct event {
  thread_index thread = 0;
  operation what = operation::begin;
  std::memory_order order = std::memory_order_relaxed;
  bool stale = false;  // A load did not return the newest store.
  object_index object = 0;
  std::uint32_t source = 0;     // The event of the store that was read.
  std::uint64_t value = 0;      // Loaded or stored.
  std::uint64_t old_value = 0;  // Of a read-modify-write.
  const char* name = nullptr;   // Of a modification.
};

/// One event a line; the oldest are left out of a very long one.
[[nodiscard]] std::string write_trace(const std::vector<event>& events, memory& objects,
                                      const heap& allocations);
[[nodiscard]] std::string name_of(const object& what, object_index index, const heap& allocations);
[[nodiscard]] std::string name_of(thread_index thread);

}  // namespace lodestar::interleave::detail
