#include "hit_ratio/replay.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <mutex>
#include <thread>

namespace lodestar::bench::hit_ratio {
namespace {

template <class Key>
std::uint64_t replay(policy& driven, std::span<const Key> keys, std::size_t first,
                     std::size_t step) {
  std::uint64_t hits = 0;
  for (std::size_t position = first; position < keys.size(); position += step)
    hits += driven.access(keys[position]) ? 1U : 0U;
  return hits;
}

/// The threads wait for each other after every round. Otherwise one that the kernel suspends falls
/// behind by thousands of accesses, and the trace that is measured is no longer the one recorded.
std::uint64_t replay_together(policy& driven, const key_sequence& keys, std::size_t threads) {
  std::atomic<std::uint64_t> hits{0};
  std::barrier round(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::jthread> running;
  for (std::size_t index = 0; index < threads; ++index) {
    running.emplace_back([&, index] {
      std::uint64_t own = 0;
      for (std::size_t begin = 0; begin < keys.size(); begin += threads * round_accesses) {
        round.arrive_and_wait();
        const std::size_t end = std::min(begin + threads * round_accesses, keys.size());
        own += replay(driven, std::span(keys).first(end), begin + index, threads);
      }
      hits += own;
    });
  }
  running.clear();
  return hits;
}

/// Runs task(0) … task(count - 1), `jobs` at a time.
void run_all(std::size_t count, std::size_t jobs, const std::function<void(std::size_t)>& task) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t index = next++; index < count; index = next++) task(index);
  };
  std::vector<std::jthread> others;
  for (std::size_t index = 1; index < std::min(jobs, count); ++index) others.emplace_back(work);
  work();
}

}  // namespace

std::uint64_t count_hits(const policy_kind& kind, std::size_t capacity, const trace& accesses,
                         std::size_t threads) {
  const auto driven = kind.make(capacity, accesses);
  if (kind.numbered) return replay(*driven, std::span(accesses.numbers), 0, 1);
  if (threads == 1) return replay(*driven, std::span(accesses.keys), 0, 1);
  return replay_together(*driven, accesses.keys, threads);
}

std::vector<ratio_row> measure(const trace& accesses, std::span<const std::size_t> capacities,
                               const policy_list& policies, replay_options options,
                               const progress& tell) {
  std::vector<ratio_row> rows;
  for (const std::size_t capacity : capacities) {
    rows.push_back({.trace = accesses.name,
                    .capacity = capacity,
                    .accesses = accesses.keys.size(),
                    .hits = std::vector<std::uint64_t>(policies.size())});
  }
  const std::size_t cells = rows.size() * policies.size();
  std::mutex telling;
  std::size_t done = 0;
  tell(done, cells);
  run_all(cells, options.jobs, [&](std::size_t index) {
    ratio_row& row = rows[index / policies.size()];
    const std::size_t column = index % policies.size();
    row.hits[column] = count_hits(*policies[column], row.capacity, accesses, options.threads);
    const std::lock_guard lock(telling);
    tell(++done, cells);
  });
  return rows;
}

std::vector<std::size_t> default_capacities(std::size_t unique_keys) {
  std::vector<std::size_t> capacities;
  for (const std::size_t percent : {1U, 2U, 5U, 10U, 20U, 50U})
    capacities.push_back(std::max<std::size_t>(unique_keys * percent / 100, 1));
  const auto repeated = std::ranges::unique(capacities);
  capacities.erase(repeated.begin(), repeated.end());
  return capacities;
}

}  // namespace lodestar::bench::hit_ratio
