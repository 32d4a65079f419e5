// What a number of writes, one after the other, comes to: one change at most of each key, in the
// order of the table, in which LMDB is several times faster.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "record.hpp"
#include "write_queue.hpp"

namespace lodestar::lmdb_tier {

struct change {
  table_key name;
  const write* from;
  bool sets;
  std::size_t order;
};

/// Lifetimes: points into the writes.
class changes {
 public:
  explicit changes(const std::vector<const write*>& writes);
  /// The table is emptied before the others.
  [[nodiscard]] bool clears() const noexcept { return clears_; }
  [[nodiscard]] const std::vector<change>& all() const noexcept { return all_; }
  /// That come into the table.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::vector<change> all_;
  bool clears_ = false;
  std::size_t bytes_ = 0;
};

}  // namespace lodestar::lmdb_tier
