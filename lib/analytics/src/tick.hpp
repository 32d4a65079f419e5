// The position the tables have reached and what moved on the way, changed together.
//
// Who holds the mutex sees moved nodes and `applied` of one moment: no node has moved beyond
// `applied`. Without it a node may already have moved to a position that `applied` reaches a moment
// later; a result computed in between is then taken for out of date, never the other way round.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include <lodestar/keyexpr/moved_tree.hpp>

namespace lodestar::analytics {

struct tick {
  std::mutex mutex;
  keyexpr::moved_tree moved;
  std::atomic<std::int64_t> applied{0};
};

}  // namespace lodestar::analytics
