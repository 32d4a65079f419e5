#include <gtest/gtest.h>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include <lodestar/base/atomics.hpp>

namespace lodestar {
namespace {

/// One side of "store mine, fence, load the other's" for each round, which both begin together.
template <class Fence>
void store_fence_load(std::atomic<int>& mine, const std::atomic<int>& other,
                      std::atomic<int>& arrived, std::vector<int>& seen, Fence fence) {
  for (int round = 1; round <= static_cast<int>(seen.size()); ++round) {
    arrived.fetch_add(1);
    // Spinning makes the two begin closely together; yielding helps where they share a core.
    for (int spins = 0; arrived.load() < 2 * round; ++spins) {
      spins < 1'000 ? std_atomics::pause() : std_atomics::yield();
    }
    mine.store(round, std::memory_order_relaxed);
    fence();
    seen[static_cast<std::size_t>(round - 1)] = other.load(std::memory_order_relaxed);
  }
}

// Goal: the cheap fence is used where the kernel allows it, so that nobody pays for the other one.
TEST(atomics_test, membarrier_is_used_where_the_kernel_has_it) {
  const long known = syscall(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0U, 0);
  if (known <= 0 || (known & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) {
    GTEST_SKIP() << "this kernel has no private expedited membarrier";
  }
  EXPECT_TRUE(detail::has_membarrier);
  std_atomics::heavy_fence();
}

// Goal: with one heavy fence the two sides never both miss the other's store. (What two light
// fences allow is shown by the model checker, which does not depend on this machine's buffers.)
TEST(atomics_test, a_light_and_a_heavy_fence_never_let_both_sides_miss) {
  constexpr std::size_t rounds = 2'000;
  std::atomic<int> left{0};
  std::atomic<int> right{0};
  std::atomic<int> arrived{0};
  std::vector<int> left_saw(rounds), right_saw(rounds);
  {
    std::jthread frequent([&] {
      store_fence_load(left, right, arrived, left_saw, [] { std_atomics::light_fence(); });
    });
    store_fence_load(right, left, arrived, right_saw, [] { std_atomics::heavy_fence(); });
  }
  for (std::size_t index = 0; index < rounds; ++index) {
    const int round = static_cast<int>(index) + 1;
    EXPECT_TRUE(left_saw[index] >= round || right_saw[index] >= round) << "round " << round;
  }
}

TEST(atomics_test, makes_and_destroys) {
  struct counted {
    explicit counted(int& alive) : alive_(alive) { ++alive_; }
    ~counted() { --alive_; }
    int& alive_;
  };
  int alive = 0;
  auto* object = std_atomics::make<counted>(alive);
  EXPECT_EQ(alive, 1);
  std_atomics::destroy(object);
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace lodestar
