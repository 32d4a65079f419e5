// Generated traces: the same arguments and seed give the same keys again.
//
// Keys look like those of a program: they are mixed, so that neighbouring ones share no bits, and
// those of different parts of a trace never meet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hit_ratio/trace.hpp"

namespace lodestar::bench::hit_ratio {

/// Independent accesses to `items` keys whose popularity follows Zipf's law.
[[nodiscard]] key_sequence zipf(double theta, std::size_t items, std::size_t accesses,
                                std::uint64_t seed);

/// Zipf; after each `pause` accesses comes a scan of `scan` keys that are never seen again.
[[nodiscard]] key_sequence zipf_with_scans(double theta, std::size_t items, std::size_t pause,
                                           std::size_t scan, std::size_t accesses,
                                           std::uint64_t seed);

/// 0, 1 … items - 1, and again.
[[nodiscard]] key_sequence loop(std::size_t items, std::size_t accesses);

/// Zipf; every `phase` accesses all keys change their popularity at random.
[[nodiscard]] key_sequence zipf_with_phases(double theta, std::size_t items, std::size_t phase,
                                            std::size_t accesses, std::uint64_t seed);

/// At random: half of the accesses Zipf over `items`, three tenths the next key of a loop over
/// `loop_items`, two tenths keys that are seen once.
[[nodiscard]] key_sequence mixture(double theta, std::size_t items, std::size_t loop_items,
                                   std::size_t accesses, std::uint64_t seed);

/// Recency-friendly: one access of five is to a new key, all others are to the key at a geometric
/// stack distance, `distance` in the mean (0 is the key accessed last).
[[nodiscard]] key_sequence recency(std::size_t distance, std::size_t accesses, std::uint64_t seed);

/// A recency-friendly trace, five times as many accesses of a loop over `loop_items`, and the very
/// same recency-friendly trace again. `accesses` is the total, a multiple of seven is used.
[[nodiscard]] key_sequence recency_around_loop(std::size_t distance, std::size_t loop_items,
                                               std::size_t accesses, std::uint64_t seed);

}  // namespace lodestar::bench::hit_ratio
