#include <lodestar/base/assert.hpp>
#include <lodestar/base/atomics.hpp>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lodestar::detail {
namespace {

long membarrier(int command) noexcept {
  return syscall(__NR_membarrier, command, 0U, 0);
}

/// Registered once, because the kernel refuses the barrier to a process that is not.
bool register_membarrier() noexcept {
  const long known = membarrier(MEMBARRIER_CMD_QUERY);
  return known > 0 && (known & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
         membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

}  // namespace

const bool has_membarrier = register_membarrier();

void barrier_in_every_thread() noexcept {
  LODESTAR_ASSERT(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0,
                  "a registered process may ask for the barrier");
}

}  // namespace lodestar::detail
