// Goal: what was loaded before an invalidation is not stored after it, in any order of operations
// that the memory model allows; without one of the fences it would be. (How threads wait for a load
// is not simulated: the checker has no condition variables.)
#include <gtest/gtest.h>

#include <functional>
#include <mutex>

#include <lodestar/cache/detail/flight.hpp>
#include <verify/interleave/expect.hpp>

#include "weakened_atomics.hpp"

namespace lodestar::cache::detail {
namespace {

using interleave::acquire;
using interleave::check;
using interleave::expect_found;
using interleave::expect_never;
using interleave::fault;
using interleave::relaxed;
using interleave::release;

/// What a cache does around its board, with one key: its place is empty or holds what was loaded.
template <class Atomics>
struct loading_and_invalidating {
  using board_type = flight_board<int, int, int, std::equal_to<int>, Atomics>;
  static constexpr int key = 1, outdated = 1, current = 2, empty = 0;

  board_type board;
  typename board_type::pointer first, second;  // So that a flight ends with the scenario.
  interleave::atomic<int> source{outdated, "source"};
  interleave::atomic<int> place{empty, "place"};
  interleave::mutex lock{"lock of the cache"};

  void load(typename board_type::pointer& kept) {
    const auto [joined, leads] = board.board(0, key, {});
    kept = joined;
    if (!leads) return;
    const int brought = source.load(relaxed);
    {
      const std::lock_guard held(lock);
      if (!joined->superseded()) place.store(brought, release);
    }
    board.leave(*joined);
  }
  void loader() { load(first); }
  void second_loader() { load(second); }
  void invalidator() {
    source.store(current, relaxed);
    if (!board.supersede(0, key, {}) && place.load(acquire) == empty) return;
    const std::lock_guard held(lock);
    place.store(empty, release);
  }
  void finally() { check(place.load(acquire) != outdated, "what is stored is not out of date"); }
};

TEST(flight_interleaving, what_an_invalidation_overtook_is_not_stored) {
  using right = loading_and_invalidating<simulated>;
  expect_never<right>({&right::loader, &right::invalidator});
  const interleave::context_bound narrow{.preemptions_max = 1, .stale_reads_max = 1};
  expect_never<right>({&right::loader, &right::second_loader, &right::invalidator}, narrow);
}
TEST(flight_interleaving, boarding_and_superseding_need_their_fences) {
  using hasty_writer = loading_and_invalidating<without<weakness::light_fence>>;
  expect_found<hasty_writer>(fault::failed_check,
                             {&hasty_writer::loader, &hasty_writer::invalidator});
  using hasty_loader = loading_and_invalidating<without<weakness::heavy_fence>>;
  expect_found<hasty_loader>(fault::failed_check,
                             {&hasty_loader::loader, &hasty_loader::invalidator});
}

}  // namespace
}  // namespace lodestar::cache::detail
