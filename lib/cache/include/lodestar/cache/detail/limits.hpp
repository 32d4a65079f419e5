// The sizes that are ours to choose. A build with LODESTAR_TINY_LIMITS makes them so small that the
// tests meet every boundary.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lodestar::cache::detail::limits {

#if defined(LODESTAR_TINY_LIMITS)
inline constexpr bool tiny = true;
#else
inline constexpr bool tiny = false;
#endif

/// Records in a chunk; a power of two.
inline constexpr std::uint32_t chunk_records = tiny ? 2 : 256;
/// Buckets that a segment of the index has when the cache is full.
inline constexpr std::uint32_t segment_lines = tiny ? 2 : 256;
/// What one stay under the cache's lock removes at most.
inline constexpr std::size_t removals_max = tiny ? 2 : 16;
/// Hits that a thread keeps to itself before it tells the policy.
inline constexpr std::size_t samples_max = tiny ? 1 : 31;
/// Values that wait for their readers before somebody looks whether they are gone.
inline constexpr std::size_t retired_max = tiny ? 1 : 64;
/// Invalidations that values may be behind; below 256, as records keep 8 bits.
inline constexpr std::uint32_t generations_max = tiny ? 2 : 250;
/// Records that a call which writes looks at for what was invalidated.
inline constexpr std::uint32_t swept_at_once = tiny ? 1 : 64;
/// Records that a task in the background looks at for the same before others may run.
inline constexpr std::uint32_t swept_by_a_task = tiny ? 2 : 4'096;

}  // namespace lodestar::cache::detail::limits
